"""Checkpoints from any source: their content, and their weights under the model's names.

Formats are Earshot's, Lightning's, a plain dictionary of weights, and safetensors. Reading runs no code.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from stages.schema.params import InitFrom
from stages.tasks.torch_file import read_torch, reason

NUM_NAMES = 5


def read(path: Path, inputs: Path) -> Any:
    """The content of a file in ``inputs``; ValueError if unreadable, or if reading it would run code."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file; train.init_from.path is relative to train.inputs")
    if not path.resolve().is_relative_to(inputs.resolve()):
        raise ValueError(f"{path}: a link outside train.inputs, where DVC sees no changes; copy the file")
    try:
        if path.suffix == ".safetensors":
            return importlib.import_module("safetensors.torch").load_file(path)
        return read_torch(path)
    except ImportError as error:
        raise ValueError(f"{path}: pip install safetensors to read it") from error
    except Exception as error:  # damage has many exception types
        raise ValueError(f"{path}: {reason(error)}") from error


def named_weights(content: Any, settings: InitFrom, path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The weights by their new names after prefix and rename, and the new names by the old, if changed."""
    weights = _without_prefix(_weights(content, path), settings.prefix, path)
    names = renamed(weights, settings.rename or {})
    unused = [old for old in settings.rename or {} if not any(name.startswith(old) for name in weights)]
    if unused:
        _refuse_key("rename", f"no key of {path} starts with {unused[0]!r}", weights)
    if len(set(names.values())) < len(names):
        values = list(names.values())
        twice = sorted({name for name in values if values.count(name) > 1})
        _refuse_key("rename", f"{path} would have two weights named {twice[0]}", weights)
    found = {names[name]: weight for name, weight in weights.items()}
    changed = {old: new for old, new in names.items() if old != new}
    return dict(sorted(found.items())), changed


def renamed(names: Mapping[str, Any], rename: Mapping[str, str]) -> dict[str, str]:
    """New names by old ones: the longest prefix in ``rename`` is replaced; "" is a prefix of every name."""

    def new(name: str) -> str:
        old = max((begin for begin in rename if name.startswith(begin)), key=len, default="")
        return rename.get(old, "") + name.removeprefix(old)

    return {name: new(name) for name in names}


def _weights(content: Any, path: Path) -> dict[str, Tensor]:
    weights = content.get("state_dict", content) if isinstance(content, dict) else {}
    named = isinstance(weights, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()
    )
    if not weights or not named:
        keys = ""
        if isinstance(content, dict):
            keys = f"; found {', '.join(map(str, list(content)[:NUM_NAMES])) or 'nothing'}"
        raise ValueError(f"{path}: expected weights by name, at the top or under state_dict{keys}")
    return dict(sorted(weights.items()))


def _without_prefix(weights: dict[str, Tensor], prefix: str | None, path: Path) -> dict[str, Tensor]:
    if prefix is None:
        return weights
    stripped = {name.removeprefix(prefix): weight for name, weight in weights.items()}
    if stripped.keys() == weights.keys():
        _refuse_key("prefix", f"no key of {path} starts with {prefix!r}", weights)
    if len(stripped) < len(weights):
        raise ValueError(
            f"train.init_from.prefix: without {prefix!r}, {path} would have two weights of one name"
        )
    return stripped


def _refuse_key(key: str, message: str, weights: Mapping[str, Tensor]) -> None:
    names = ", ".join(list(weights)[:NUM_NAMES])
    raise ValueError(f"train.init_from.{key}: {message}; there are {names}")
