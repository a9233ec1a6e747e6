"""state.ckpt: where a finished training stood, in one file, and how another training goes on from it."""

import io
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stages.program.outputs import write_whole
from stages.schema import params as schema
from stages.tasks.checkpoint import Recipe
from stages.tasks.optimizer_state import OptimizerState

HERE = "<work>"  # in a kept state, the folder in which its training kept its files


def pack_state(path: Path, work: Path, recipe: Recipe) -> bytes:
    """The state that ResumeState wrote at ``path``, with the checkpoints in ``work`` that it names."""
    files = {
        str(file.relative_to(work)): torch.load(file, map_location="cpu", weights_only=True)
        for folder in ("best", "periodic")
        for file in sorted((work / folder).glob("*.ckpt"))
    }
    state = torch.load(path, map_location="cpu", weights_only=True)
    buffer = io.BytesIO()
    kept = {"state": state, "files": files, "recipe": recipe.model_dump_json()}
    torch.save(_renamed(kept, str(work.resolve()), HERE), buffer)
    return buffer.getvalue()


def unpack_state(
    path: Path, work: Path, recipe: Recipe, settings: schema.Train
) -> tuple[Path, OptimizerState]:
    """Lay a kept state out in another training's folder, ``work``; what params.yaml says now counts.

    Returns the file to go on from and, apart from it, what becomes of the optimizer. ValueError if
    ``path`` holds no such state, or one of another model.
    """
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        found = _renamed(kept, HERE, str(work.resolve()))
        state, files, before = found["state"], found["files"], Recipe.model_validate_json(found["recipe"])
        optimizer = OptimizerState(
            path=f"train.resume_from: {path}",
            groups=state["optimizer_states"][0]["param_groups"],
            moments=state["optimizer_states"][0]["state"],
            schedule=next(iter(state["lr_schedulers"]), None) if settings.schedule else None,
            rates=state["resume"]["rates"],
        )
    except FileNotFoundError as error:
        raise ValueError(f"train.resume_from: {path}: no such file") from error
    except Exception as error:  # torch names damage with many exception types
        raise ValueError(f"train.resume_from: {path} is no state.ckpt of a training: {error}") from error
    if other := [name for name in Recipe.model_fields if getattr(before, name) != getattr(recipe, name)]:
        raise ValueError(
            f"train.resume_from: {path} is of a training with another {' and another '.join(other)}, so its"
            " weights mean something else; train.init_from starts from weights alone"
        )
    state |= {"optimizer_states": [], "lr_schedulers": []}
    best = _as_set_now(state["callbacks"], settings)
    start = "start/start.ckpt"
    for name, content in {**files, start: state}.items():
        if name == start or str(work.resolve() / name) in best or _is_periodic(name, settings):
            buffer = io.BytesIO()
            torch.save(content, buffer)
            write_whole(work / name, buffer.getvalue())
    return work / start, optimizer


def _as_set_now(callbacks: dict[str, Any], settings: schema.Train) -> set[str]:
    """Patience and the number of best checkpoints are those of params.yaml; returns their paths."""
    best: set[str] = set()
    for name, state in callbacks.items():
        if name.startswith("EarlyStopping") and settings.early_stopping:
            state["patience"] = settings.early_stopping.patience
        if name.startswith("ModelCheckpoint") and state["monitor"] == settings.checkpoint.monitor:
            sign = 1 if settings.checkpoint.mode == "min" else -1
            ranked = sorted(state["best_k_models"].items(), key=lambda item: sign * item[1].item())
            ranked = ranked[: settings.checkpoint.save_top_k]
            state["best_k_models"] = dict(ranked)
            state["kth_best_model_path"], state["kth_value"] = ranked[-1]
            best |= state["best_k_models"].keys()
    return best


def _is_periodic(name: str, settings: schema.Train) -> bool:
    return settings.checkpoint.every_n_epochs is not None and name.startswith("periodic/")


def _renamed(value: Any, old: str, new: str) -> Any:
    """A copy with another folder in every text, and every text interned: equal states have equal bytes."""
    if isinstance(value, str):
        return sys.intern(value.replace(old, new))
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(item, old, new) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_renamed(item, old, new) for item in value)
    return value.clone() if isinstance(value, Tensor) else value
