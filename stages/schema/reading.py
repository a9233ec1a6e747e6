"""Reading params.yaml: every problem of the file at once, each with its path and what was expected."""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.schema.params import Params
from stages.schema.part import import_class, parameters_of

Steps = tuple[int | str, ...]


def read_params(path: Path) -> Params:
    """Read and check a params file; ValueError with all its problems, one a line.

    ruamel reads YAML 1.2, as DVC does: PyYAML would take the ``1e-05`` that DVC writes for a string.
    """
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file; copy one from flows/recipes/") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not readable as YAML: {error}") from error
    try:
        return Params.model_validate_json(json.dumps(document, default=str))
    except ValidationError as error:
        lines = _explain(error, document)
    raise ValueError(f"{path} cannot be used, {len(lines)} problem(s):\n  " + "\n  ".join(lines))


def _explain(error: ValidationError, document: Any) -> list[str]:
    """One line for each place in the document; what the branches of a union say is joined by 'or'."""
    messages: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False):
        steps = _place(detail["loc"], document)
        text = _message(detail, steps, document)
        found = messages.setdefault(_dotted(steps), [])
        if text not in found:
            found.append(text)
    return [f"{path}: {' or '.join(texts)}" if path else "; ".join(texts) for path, texts in messages.items()]


def _place(loc: Steps, document: Any) -> Steps:
    """An error's location as far as the document knows it: pydantic adds the tags of unions."""
    node = document
    for depth, step in enumerate(loc):
        known = (isinstance(node, dict) and step in node) or (
            isinstance(node, list) and isinstance(step, int)
        )
        if not known:
            missing_key = isinstance(node, dict) and depth == len(loc) - 1
            return loc[: depth + 1] if missing_key else loc[:depth]
        node = node[step]
    return loc


def _dotted(steps: Steps) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _message(detail: Any, steps: Steps, document: Any) -> str:
    if detail["type"] == "missing":
        return "missing"
    if detail["type"] == "extra_forbidden":
        known = _known_keys(steps, document)
        near = get_close_matches(str(steps[-1]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}" if known else ""
        return f"unknown key ({hint})" if hint else "unknown key"
    value = detail["input"]
    found = "" if isinstance(value, dict | list) else f", found {value!r}"
    return str(detail["msg"]).removeprefix("Value error, ") + found


def _known_keys(steps: Steps, document: Any) -> list[str]:
    """The keys that may stand where an unknown one was found."""
    if steps[-2:-1] == ("init_args",):
        node = document
        for step in steps[:-2]:
            node = node[step]
        return list(parameters_of(import_class(node["class_path"])))
    if steps[:-1] == ("train", "trainer"):
        return list(parameters_of(import_class("lightning.Trainer")))
    model: Any = Params
    for step in steps[:-1]:
        field = model.model_fields.get(str(step))
        model = field.annotation if field else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
    return list(model.model_fields)
