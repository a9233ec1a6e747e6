"""Read params.yaml and report all its problems together, each with its path and what was expected."""

import json
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from lightning.pytorch import Trainer
from pydantic import BaseModel, ValidationError, create_model

from stages.preflight.agreement import ValidValues, problems
from stages.schema.params import Params, Section
from stages.schema.part import import_class, parameters_of
from stages.schema.problems import dotted, joined, refusal
from stages.schema.reading import read_document

Steps = tuple[int | str, ...]


def read_params(path: Path, trained: bool = False) -> Params:
    """Read and check a params file; ValueError with all its problems, one per line.

    Set ``trained`` for commands that use a trained model: train.inputs may be gone then.
    """
    return checked(read_document(path), path, trained)


def checked(document: dict[str, Any], path: Path, trained: bool = False) -> Params:
    """Check a document that was read from a file, as read_params does."""
    params, found = None, []
    try:
        params = Params.model_validate_json(json.dumps(document))
    except ValidationError as error:
        found.append(error)
    if apart := list(problems(params or _valid_values(Params, document), trained)):
        found.append(refusal(apart))
    if params and not found:
        return params
    lines = _explain(joined(found), document)
    raise ValueError(f"{path} cannot be used, {len(lines)} problem(s):\n  " + "\n  ".join(lines))


def _valid_values(model: type[BaseModel], document: Any) -> ValidValues:
    """Return the values of a section that are valid alone."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        written = {name: document[name]} if isinstance(document, dict) and name in document else {}
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            values[name] = _valid_values(annotation, written.get(name))
            continue
        alone = create_model(name, __base__=Section, **{name: (field.rebuild_annotation(), field.default)})  # type: ignore[call-overload]
        with suppress(ValidationError):
            values[name] = getattr(alone.model_validate(written), name)
    return ValidValues(**values)


def _explain(error: ValidationError, document: Any) -> list[str]:
    """Return one line for each place in the document; messages of union branches are joined by 'or'."""
    messages: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False):
        steps = _place(detail["loc"], document, detail["type"] == "missing")
        text = _message(detail, steps, document)
        found = messages.setdefault(dotted(steps), [])
        if text not in found:
            found.append(text)
    return [f"{path}: {' or '.join(texts)}" if path else "; ".join(texts) for path, texts in messages.items()]


def _place(loc: Steps, document: Any, missing: bool) -> Steps:
    """Return an error's location without the steps that are not in the document: pydantic adds union tags.

    The names of missing keys stay, and so does init_args if it was left out.
    """
    node = document
    place: list[int | str] = []
    for depth, step in enumerate(loc):
        last = depth == len(loc) - 1
        below = dict(enumerate(node)) if isinstance(node, list) else node
        if isinstance(below, dict) and step in below:
            node = below[step]
            place.append(step)
        elif missing and (last or step == "init_args"):
            node = {}
            place.append(step)
        elif not missing:
            break
    return tuple(place)


def _message(detail: Any, steps: Steps, document: Any) -> str:
    if detail["type"] == "missing":
        return "missing"
    if detail["type"] in ("model_type", "model_attributes_type"):
        return f"Input should be keys and values, found {detail['input']!r}"
    if detail["type"] == "extra_forbidden":
        known = _known_keys(steps, document)
        near = get_close_matches(str(steps[-1]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}" if known else ""
        return f"unknown key ({hint})" if hint else "unknown key"
    value = detail["input"]
    found = "" if isinstance(value, dict | list) else f", found {value!r}"
    return str(detail["msg"]).removeprefix("Value error, ") + found


def _known_keys(steps: Steps, document: Any) -> list[str]:
    """Return the valid keys at the place of an unknown one."""
    if steps[-2:-1] == ("init_args",):
        node = document
        for step in steps[:-2]:
            node = node[step]
        return list(parameters_of(import_class(node["class_path"])))
    if steps[:-1] == ("train", "trainer"):
        return list(parameters_of(Trainer))
    model: Any = Params
    for step in (name for name in steps[:-1] if isinstance(name, str)):
        field = model.model_fields.get(step)
        annotation = field.annotation if field else None
        classes = (found for found in _within(annotation) if isinstance(found, type))
        model = next((found for found in classes if issubclass(found, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)


def _within(annotation: Any) -> Iterator[Any]:
    """Yield an annotation and its inner ones: a section may be optional, or in a list."""
    yield annotation
    for inner in get_args(annotation):
        yield from _within(inner)
