"""Parts within parts, and what they read from the inputs folder of their section before anything runs.

A class that reads files there (a pretrained model, a vocabulary, a lexicon) has a static method
``resolve(inputs, sample_rate, **init_args)``. It returns the arguments with what it read in the place of
the files' names, so that a checkpoint, which holds the arguments, needs the files no more. ValueError,
naming the file and what to do, where it cannot. Where nothing is kept, as of ``evaluate.search``, a class
that takes ``inputs`` reads them when it is built.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.schema.part import Part, parameters_of
from stages.schema.problems import Place


class Unresolved(ValueError):
    """A part cannot be built or lacks what it needs; ``place`` leads to it within the part that was given."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


def nested(part: Part, place: Place = ()) -> Iterator[tuple[Place, Part]]:
    """The part itself, then those in its arguments and their defaults, each with its place."""
    yield place, part
    defaults = {name: parameter.default for name, parameter in parameters_of(part.load()).items()}
    for name, value in (defaults | part.init_args).items():
        if within := _as_part(value):
            yield from nested(within, (*place, "init_args", name))


def resolved(
    part: Part, inputs: Path, sample_rate: int, place: Place = (), *, only_check: bool = False
) -> Part:
    """The part, and those within it, with what they read in their arguments; Unresolved if one cannot.

    To ``only_check``, a class's static method ``check_inputs``, with the same arguments, takes less time.
    """
    init_args = dict(part.init_args)
    for name, value in init_args.items():
        if within := _as_part(value):
            below = resolved(within, inputs, sample_rate, (*place, "init_args", name), only_check=only_check)
            init_args[name] = below.model_dump(mode="json")
    cls = part.load()
    check = getattr(cls, "check_inputs", None) if only_check else None
    if read := check or getattr(cls, "resolve", None):
        try:
            init_args = read(inputs, sample_rate, **init_args) or init_args
        except ValueError as error:
            raise Unresolved((*place, *getattr(error, "place", ())), str(error)) from error
    return part.model_copy(update={"init_args": init_args})


def built(part: Part, inputs: Path, sample_rate: int, **provided: Any) -> Any:
    """A part of which no checkpoint is kept: a class that takes ``inputs`` reads its files there itself."""
    if "inputs" not in parameters_of(part.load()):
        part = resolved(part, inputs, sample_rate)
    return part.build(inputs=inputs, **provided)


def parts_within(value: Any, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """What is written as a part in an argument or in lists there, with its place; not what is within it."""
    if isinstance(value, dict) and "class_path" in value:
        yield place, value
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from parts_within(item, (*place, index))


def _as_part(value: Any) -> Part | None:
    if isinstance(value, Part):
        return value
    return Part.model_validate(value) if isinstance(value, dict) and "class_path" in value else None
