"""train.init_from: training that starts from the weights of a checkpoint, as for fine-tuning.

The file is our own best.ckpt or last.ckpt, one of Lightning, a bare dictionary of weights, or
safetensors. Reading it runs no code. Every error comes before a batch is trained.
"""

import importlib
import json
import pickle
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stages.program.outputs import write_whole
from stages.schema.params import InitFrom
from stages.tasks.optimizer_state import OptimizerState
from stages.tasks.task import Task

NUM_NAMES = 5


@dataclass(frozen=True)
class Report:
    """What became of the weights of the file and of the model, by name."""

    path: str
    loaded: list[str]
    missing: list[str]  # in the file
    unexpected: list[str]  # in the file
    reinitialized: list[str]  # another shape, or another vocabulary

    def __str__(self) -> str:
        lines = [f"weights from {self.path}:"]
        for key in ("loaded", "missing", "unexpected", "reinitialized"):
            names: list[str] = getattr(self, key)
            more = ", ..." if len(names) > NUM_NAMES else ""
            lines.append(
                f"  {key} {len(names)}" + (f": {', '.join(names[:NUM_NAMES])}{more}" if names else "")
            )
        return "\n".join(lines)


def initialize(task: Task, settings: InitFrom, inputs: Path, report: Path) -> OptimizerState | None:
    """Load the file's weights into the task, write the report, and return the states asked for.

    ``strict`` takes only a file that has all of the task's weights and no others, over the vocabulary
    that training has (ValueError otherwise). If not strict, a weight that is missing, has another shape
    or belongs to another or unknown vocabulary keeps its fresh values.
    """
    path = inputs / settings.path
    content = _read(path, inputs)
    weights = _without_prefix(_weights(content, path), settings.prefix, path)
    difference = _other_vocabulary(task, content, settings, path)
    found = _compare(task, weights, path, by_vocabulary=bool(difference))
    if settings.strict and difference:
        raise ValueError(f"{difference}; strict: false re-initialises what depends on the vocabulary")
    if settings.strict and (found.missing or found.unexpected or found.reinitialized):
        raise ValueError(f"{path} does not fit the model: set prefix, or strict: false to go on.\n{found}")
    if not found.loaded:
        raise ValueError(f"{path}: not one weight fits the model; set prefix.\n{found}")
    states = _states(content, settings, path)
    task.load_state_dict({name: weights[name] for name in found.loaded}, strict=False)
    write_whole(report, (json.dumps(asdict(found), indent=1) + "\n").encode())
    print(found, flush=True)
    return states


def _read(path: Path, inputs: Path) -> Any:
    if not path.is_file():
        raise ValueError(f"{path}: no such file; train.init_from.path is relative to train.inputs")
    if not path.resolve().is_relative_to(inputs.resolve()):
        raise ValueError(
            f"{path}: a link out of train.inputs, behind which DVC sees no change; copy the file"
        )
    try:
        if path.suffix == ".safetensors":
            return importlib.import_module("safetensors.torch").load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except ImportError as error:
        raise ValueError(f"{path}: pip install safetensors to read it") from error
    except pickle.UnpicklingError as error:
        if names := re.findall(r"GLOBAL ([\w.]+)", str(error)):
            raise ValueError(
                f"{path}: reading it would run code ({names[0]}). If you trust it, keep its weights alone,"
                " where that code is installed: torch.save(torch.load(PATH, weights_only=False)"
                "['state_dict'], NEW_PATH)"
            ) from error
        raise ValueError(f"{path}: no checkpoint: {str(error).splitlines()[0]}") from error
    except Exception as error:  # damage has many exception types
        raise ValueError(f"{path}: no checkpoint: {error}") from error


def _weights(content: Any, path: Path) -> dict[str, Tensor]:
    weights = content.get("state_dict", content) if isinstance(content, dict) else {}
    if not weights or not all(isinstance(value, Tensor) for value in weights.values()):
        keys = f", but {', '.join(map(str, list(content)[:NUM_NAMES]))}" if isinstance(content, dict) else ""
        raise ValueError(f"{path}: expected weights by name, or such under state_dict{keys}")
    return dict(sorted(weights.items()))


def _without_prefix(weights: dict[str, Tensor], prefix: str | None, path: Path) -> dict[str, Tensor]:
    if prefix is None:
        return weights
    stripped = {name.removeprefix(prefix): weight for name, weight in weights.items()}
    if stripped.keys() == weights.keys():
        names = ", ".join(list(weights)[:NUM_NAMES])
        raise ValueError(
            f"train.init_from.prefix: no key of {path} starts with {prefix!r}; there are {names}"
        )
    if len(stripped) < len(weights):
        raise ValueError(
            f"train.init_from.prefix: without {prefix!r}, {path} would have two weights of a name"
        )
    return stripped


def _other_vocabulary(task: Task, content: Any, settings: InitFrom, path: Path) -> str | None:
    """How the file's vocabulary differs from that of training; None if it does not."""
    own = json.loads(content["recipe"])["vocabulary"] if "recipe" in content else None
    if own is not None and settings.tokens is not None:
        raise ValueError(f"train.init_from.tokens: leave it out, {path} holds its vocabulary itself")
    if not task.vocabulary_parameters:
        return None
    theirs = own or settings.tokens
    if theirs is None:
        return f"{path} does not say its vocabulary: list train.init_from.tokens in its output layer's order"
    return _first_difference(theirs, task.tokens.vocabulary, path)


def _first_difference(theirs: Sequence[str], ours: Sequence[str], path: Path) -> str | None:
    for index in range(max(len(theirs), len(ours))):
        old, new = (repr(tokens[index]) if index < len(tokens) else "nothing" for tokens in (theirs, ours))
        if old != new:
            sizes = f"{len(theirs)} tokens, and training has {len(ours)}"
            return f"{path} has another vocabulary ({sizes}): token {index} is {old} there and {new} here"
    return None


def _compare(task: Task, weights: dict[str, Tensor], path: Path, by_vocabulary: bool) -> Report:
    ours = task.state_dict()
    common = sorted(ours.keys() & weights.keys())
    bound = {n for n in common if any(fnmatchcase(n, pattern) for pattern in task.vocabulary_parameters)}
    fresh = {n for n in common if ours[n].shape != weights[n].shape} | (bound if by_vocabulary else set())
    return Report(
        path=str(path),
        loaded=[name for name in common if name not in fresh],
        missing=sorted(ours.keys() - weights.keys()),
        unexpected=sorted(weights.keys() - ours.keys()),
        reinitialized=sorted(fresh),
    )


def _states(content: Any, settings: InitFrom, path: Path) -> OptimizerState | None:
    if not (settings.restore_optimizer or settings.restore_schedule):
        return None
    needed = {"optimizer_states"} | ({"lr_schedulers"} if settings.restore_schedule else set())
    if absent := sorted(name for name in needed if not content.get(name)):
        raise ValueError(
            f"{path} holds no {' and no '.join(absent)}, as Lightning's own checkpoints do: leave out"
            " restore_optimizer and restore_schedule"
        )
    optimizer = content["optimizer_states"][-1]
    return OptimizerState(
        path=str(path),
        groups=optimizer["param_groups"],
        moments=optimizer["state"] if settings.restore_optimizer else None,
        schedule=content["lr_schedulers"][-1] if settings.restore_schedule else None,
    )
