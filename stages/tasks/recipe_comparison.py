"""What differs between the models of two checkpoints: by the keys of params.yaml, defaults included."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from stages.schema.part import import_class, parameters_of
from stages.tasks.checkpoint import Recipe

INPUT = ("frontend", "sample_rate")
MAX_CHARACTERS = 1000
KEYS = {"task": "train.task", "tokens": "train.tokens", "features": "features", "frontend": "train.frontend"}


def other_features(before: Recipe, now: Recipe) -> list[str]:
    """How what decides the model's input differs, there and here."""
    there, here = before.model_dump(mode="json"), now.model_dump(mode="json")
    pairs = [(f"features.{name}", there["features"][name], here["features"][name]) for name in INPUT]
    pairs.append(("train.frontend", there["frontend"], here["frontend"]))
    return [line for pair in pairs for line in _differences(*pair)]


def other_recipe(before: Recipe, now: Recipe) -> list[str]:
    """How all that a model is built from differs, there and here."""
    there, here = before.model_dump(mode="json"), now.model_dump(mode="json")
    found = [line for key in KEYS for line in _differences(KEYS[key], there[key], here[key])]
    if vocabulary := other_vocabulary(before.vocabulary, now.vocabulary):
        found.append(f"vocabulary: {vocabulary}")
    elif before.tokens_state != now.tokens_state:
        found.append("vocabulary: texts are split into other pieces")
    return found


def other_vocabulary(theirs: Sequence[str], ours: Sequence[str]) -> str | None:
    """The first token that differs; None if none does."""
    for index in range(max(len(theirs), len(ours))):
        old, new = (repr(tokens[index]) if index < len(tokens) else "nothing" for tokens in (theirs, ours))
        if old != new:
            return f"token {index} is {old} there and {new} here"
    return None


def _differences(key: str, there: Any, here: Any) -> Iterator[str]:
    both = isinstance(there, dict) and isinstance(here, dict)
    if both and there.get("class_path") == here.get("class_path"):
        there, here = _values(there), _values(here)
        for name in sorted({*there, *here}):
            yield from _differences(f"{key}.{name}", there.get(name), here.get(name))
    elif both:
        yield from _differences(f"{key}.class_path", there.get("class_path"), here.get("class_path"))
    elif there != here:
        yield f"{key} is {_shown(there)} there and {_shown(here)} here"


def _shown(value: Any) -> str:
    """As Python writes it, if that can be read: a language model has megabytes."""
    text = repr(value)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}... ({len(text)} characters)"


def _values(mapping: dict[str, Any]) -> dict[str, Any]:
    """Of a part its arguments, defaults included; of anything else what it holds."""
    if "class_path" not in mapping:
        return mapping
    defaults: dict[str, Any] = {}
    with suppress(ImportError, AttributeError):  # a class of the past
        parameters = parameters_of(import_class(mapping["class_path"])).values()
        defaults = {value.name: value.default for value in parameters if value.default is not value.empty}
    plain = to_jsonable_python(defaults, fallback=str)
    written = {
        name: plain[name] | value if is_dataclass(defaults.get(name)) else value
        for name, value in mapping["init_args"].items()
    }
    return plain | written
