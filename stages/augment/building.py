"""Builds augmentations from params.yaml, with the sound files that they read from the inputs folder."""

import traceback
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stages.augment.augmentation import Augmentation
from stages.augment.batch_augmentation import BatchAugmentation
from stages.augment.sounds import sound_files
from stages.augment.transformed import Transformed, seeded
from stages.schema.nested import Unresolved, resolved
from stages.schema.part import Part, bind
from stages.schema.problems import Place

SOUNDS = ("sounds_path", "ir_path")  # arguments of audiomentations that name files or folders


def with_sounds(part: Part, inputs: Path, sample_rate: int) -> Part:
    """The part with lists of sound files instead of folders in ``inputs``; Unresolved if there are none."""
    part = resolved(part, inputs, sample_rate)
    return part.model_copy(update={"init_args": _with_files(part.init_args, inputs, ("init_args",))})


def build(part: Part) -> Any:
    """The Augmentation or BatchAugmentation of a part with its sounds; also builds transforms within a
    transform.
    """
    with seeded(0):  # what a constructor draws is the same in every process
        made = _made(part, ())
    if isinstance(made, Augmentation | BatchAugmentation):
        return made
    return Transformed(made, part.class_path)


def reason(error: BaseException) -> str:
    """The message of an exception, or its source line: audiomentations asserts without messages."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return str(error) or traceback.extract_tb(error.__traceback__)[-1].line or type(error).__name__


def _made(part: Part, place: Place) -> Any:
    cls = part.load()
    try:
        init_args = bind(cls, part.init_args, {}, calls_parts=True)
        return cls(**{name: _with_made(v, (*place, "init_args", name)) for name, v in init_args.items()})
    except Unresolved:
        raise
    except Exception as error:  # a class may reject its arguments with any exception
        raise Unresolved(place, f"{part.class_path} rejects these arguments: {reason(error)}") from error


def _with_made(value: Any, place: Place) -> Any:
    """An argument; compositions of audiomentations have transforms as arguments."""
    if isinstance(value, list):
        return [_with_made(item, (*place, index)) for index, item in enumerate(value)]
    is_part = isinstance(value, dict) and "class_path" in value
    return _made(Part.model_validate(value), place) if is_part else value


def _with_files(value: Any, inputs: Path, place: Place) -> Any:
    """Arguments, including those of transforms within a transform."""
    if isinstance(value, list):
        return [_with_files(item, inputs, (*place, index)) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    return {
        name: sound_files(inputs, inner, (*place, name))
        if name in SOUNDS and isinstance(inner, str | list)
        else _with_files(inner, inputs, (*place, name))
        for name, inner in value.items()
    }
