"""train.init_from: start training from the weights of a checkpoint, as for fine-tuning.

The file is Earshot's best.ckpt or last.ckpt, or another program's. All errors come before training.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from stages.program.outputs import write_whole
from stages.schema.params import InitFrom
from stages.tasks.checkpoint import Recipe
from stages.tasks.checkpoint_file import NUM_NAMES, named_weights, read
from stages.tasks.optimizer_state import OptimizerState, refuse_other_layout
from stages.tasks.recipe_comparison import other_features, other_vocabulary
from stages.tasks.task import Task


@dataclass(frozen=True)
class Report:
    """What was done with the weights of the file and of the model, by name."""

    path: str
    loaded: list[str]
    missing: list[str]  # in the file
    unexpected: list[str]  # in the file
    reinitialized: list[str]  # another shape, or another vocabulary
    shapes: list[str]  # where they differ, there and here
    renamed: list[str]  # by train.init_from.rename
    frontend: list[str]  # how the file's differs, there and here

    def __str__(self) -> str:
        lines = [f"weights from {self.path}:"]
        for key in ("loaded", "missing", "unexpected", "reinitialized"):
            names: list[str] = getattr(self, key)
            lines.append(f"  {key} {len(names)}" + (f": {_some(names)}" if names else ""))
        for key in ("shapes", "renamed", "frontend"):
            lines += [f"  {key}: {_some(differing)}"] if (differing := getattr(self, key)) else []
        return "\n".join(lines)


def initialize(
    task: Task, recipe: Recipe, settings: InitFrom, inputs: Path, report: Path
) -> OptimizerState | None:
    """Load the file's weights into the task, write the report, and return the requested states.

    ``strict`` accepts only a file that has all of the task's weights and no others, and the same vocabulary
    and, if the file names one, frontend as training (ValueError otherwise). If not strict, a weight that is
    missing, has another shape or belongs to another or unknown vocabulary keeps its fresh values.
    ``recipe`` is what the task was built from.
    """
    path = inputs / settings.path
    content = read(path, inputs)
    weights, names = named_weights(content, settings, path)
    before = _recipe(content["recipe"], path) if "recipe" in content else None
    difference = _other_vocabulary(task, before, settings, path)
    found = _compare(task, weights, path, by_vocabulary=bool(difference))
    found = replace(
        found,
        renamed=[f"{old} to {new}" for old, new in names.items()],
        frontend=other_features(before, recipe) if before else [],
    )
    if settings.strict and found.frontend:
        raise ValueError(
            f"{path} was trained on other features: {'; '.join(found.frontend)}. Make them the same, or set"
            " strict: false to start from it anyway"
        )
    if settings.strict and difference:
        raise ValueError(f"{difference}; strict: false re-initialises weights that depend on the vocabulary")
    if settings.strict and (found.missing or found.unexpected or found.reinitialized):
        raise ValueError(
            f"{path} does not fit the model: set prefix or rename, or strict: false to continue.\n{found}"
        )
    if not found.loaded:
        raise ValueError(f"{path}: no weight fits the model; set prefix or rename.\n{found}")
    states = _states(content, settings, path)
    task.load_state_dict({name: weights[name] for name in found.loaded}, strict=False)
    write_whole(report, (json.dumps(asdict(found), indent=1) + "\n").encode())
    print(found, flush=True)
    return states


def _recipe(written: Any, path: Path) -> Recipe:
    """What the model of an Earshot checkpoint was built from."""
    try:
        return Recipe.read(written)
    except ValidationError as error:
        found = [": ".join(map(str, (*detail["loc"], detail["msg"]))) for detail in error.errors()]
        raise ValueError(f"{path}: its recipe is not one of Earshot's: {_some(found)}") from error


def _some(names: Iterable[str]) -> str:
    first = list(names)
    return ", ".join(first[:NUM_NAMES]) + (", ..." if len(first) > NUM_NAMES else "")


def _other_vocabulary(task: Task, before: Recipe | None, settings: InitFrom, path: Path) -> str | None:
    """How the file's vocabulary differs from the training's; None if it does not."""
    own = before.vocabulary if before else None
    if own is not None and settings.tokens is not None:
        raise ValueError(f"train.init_from.tokens: leave it out, {path} contains its vocabulary")
    if not task.vocabulary_parameters:
        return None
    theirs = own or settings.tokens
    if theirs is None:
        return f"{path} has no vocabulary: list train.init_from.tokens in the order of its output layer"
    ours = task.tokens.vocabulary
    difference = other_vocabulary(theirs, ours)
    sizes = f"{len(theirs)} tokens, and training has {len(ours)}"
    return f"{path} has another vocabulary ({sizes}): {difference}" if difference else None


def _compare(task: Task, weights: dict[str, Tensor], path: Path, by_vocabulary: bool) -> Report:
    ours = task.state_dict()
    common = sorted(ours.keys() & weights.keys())
    for name in common:
        if weights[name].is_floating_point() != ours[name].is_floating_point():
            raise ValueError(f"{path}: {name} is {weights[name].dtype}, but the model's {ours[name].dtype}")
    bound = {n for n in common if any(fnmatchcase(n, pattern) for pattern in task.vocabulary_parameters)}
    shapes = {n: (list(weights[n].shape), list(ours[n].shape)) for n in common}
    differing = {n: pair for n, pair in shapes.items() if pair[0] != pair[1]}
    fresh = differing.keys() | (bound if by_vocabulary else set())
    loaded = [name for name in common if name not in fresh]
    for name in loaded:
        if not weights[name].isfinite().all():
            raise ValueError(f"{path}: {name} is not finite: its training failed; use another file")
    return Report(
        path=str(path),
        loaded=loaded,
        missing=sorted(ours.keys() - weights.keys()),
        unexpected=sorted(weights.keys() - ours.keys()),
        reinitialized=sorted(fresh),
        shapes=[f"{n} is {theirs} there and {mine} here" for n, (theirs, mine) in differing.items()],
        renamed=[],
        frontend=[],
    )


def _states(content: Any, settings: InitFrom, path: Path) -> OptimizerState | None:
    if not (settings.restore_optimizer or settings.restore_schedule):
        return None
    needed = {"optimizer_states"} | ({"lr_schedulers"} if settings.restore_schedule else set())
    if absent := sorted(name for name in needed if not content.get(name)):
        raise ValueError(
            f"{path} has no {' and no '.join(absent)}, which Lightning's own checkpoints have: leave out"
            " restore_optimizer and restore_schedule"
        )
    refuse_other_layout(content, needed, path)
    optimizer = content["optimizer_states"][-1]
    return OptimizerState(
        path=str(path),
        groups=optimizer["param_groups"],
        moments=optimizer["state"] if settings.restore_optimizer else None,
        schedule=content["lr_schedulers"][-1] if settings.restore_schedule else None,
    )
