"""state.ckpt: the state of a finished training in one file, and how another training resumes from it."""

import io
import sys
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor

from stages.program.outputs import write_whole
from stages.schema import families
from stages.schema import params as schema
from stages.tasks.checkpoint import Recipe
from stages.tasks.optimizer_state import OptimizerState
from stages.tasks.recipe_comparison import other_recipe
from stages.tasks.torch_file import read_torch, reason

HERE = "<work>"  # in a kept state, stands for the folder of the training's files


def pack_state(path: Path, work: Path, recipe: Recipe) -> bytes:
    """The state that ResumeState wrote at ``path``, with the checkpoints in ``work`` that it names."""
    files = {
        str(file.relative_to(work)): _without_position(file)
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
    """Unpack a kept state to another training's folder, ``work``, with the settings of params.yaml.

    Returns the file to resume from and, separately, the optimizer's state. ValueError if ``path`` is not
    such a state, or is one of another model.
    """
    try:
        found = _renamed(read_torch(path), HERE, str(work.resolve()))
        state, files, before = found["state"], found["files"], Recipe.read(found["recipe"])
        optimizer = _optimizer_state(path, state, settings)
    except FileNotFoundError as error:
        raise ValueError(f"train.resume_from: {path}: no such file") from error
    except Exception as error:  # also for a file with other content
        raise ValueError(
            f"train.resume_from: {path} is not a training's state.ckpt: {reason(error)}"
        ) from error
    if other := other_recipe(before, recipe):
        raise ValueError(
            f"train.resume_from: {path} is a state of another model: {'; '.join(other)}. To start from"
            " weights alone, use train.init_from"
        )
    _refuse_at_its_end(state, settings)
    state |= {"optimizer_states": [], "lr_schedulers": []}
    state["callbacks"].pop("Timer", None)  # max_time counts from now
    best = _as_set_now(state["callbacks"], settings)
    start = "start/start.ckpt"
    for name, content in {**files, start: state}.items():
        if name == start or str(work.resolve() / name) in best or _is_periodic(name, settings):
            buffer = io.BytesIO()
            torch.save(content, buffer)
            write_whole(work / name, buffer.getvalue())
    return work / start, optimizer


def _optimizer_state(path: Path, state: dict[str, Any], settings: schema.Train) -> OptimizerState:
    now = settings.schedule
    before = now and state["resume"]["schedule"] and families.Schedule(**state["resume"]["schedule"])
    return OptimizerState(
        path=f"train.resume_from: {path}",
        groups=state["optimizer_states"][0]["param_groups"],
        moments=state["optimizer_states"][0]["state"],
        schedule=state["lr_schedulers"][0] if before and now and _follow_alike(before, now) else None,
        rates=state["resume"]["rates"],
        num_steps=state["epoch" if now and now.interval == "epoch" else "global_step"],
    )


def _follow_alike(before: families.Schedule, now: families.Schedule) -> bool:
    """Whether both follow the same metric in the same way, so that the state of one fits the other."""
    modes = before.init_args.get("mode"), now.init_args.get("mode")
    same = before.class_path == now.class_path and before.monitor == now.monitor and modes[0] == modes[1]
    return now.monitor is not None and same


def _refuse_at_its_end(state: dict[str, Any], settings: schema.Train) -> None:
    done = {"max_epochs": ("epochs", state["epoch"]), "max_steps": ("steps", state["global_step"])}
    for key, (what, number) in done.items():
        last = settings.trainer.get(key) or -1
        if 0 <= last <= number:
            raise ValueError(f"train.resume_from: {number} {what} are already done; raise {key} ({last})")


def _as_set_now(callbacks: dict[str, Any], settings: schema.Train) -> set[str]:
    """Set patience and the number of best checkpoints as in params.yaml; return these checkpoints' paths."""
    best: set[str] = set()
    stopping = settings.early_stopping and EarlyStopping(**settings.early_stopping.model_dump())
    if stopping and stopping.state_key in callbacks:
        callbacks[stopping.state_key]["patience"] = stopping.patience
    monitor, mode = settings.checkpoint.monitor, settings.checkpoint.mode
    for name, state in callbacks.items():
        ours = name.startswith("ModelCheckpoint") and f"'monitor': {monitor!r}, 'mode': {mode!r}" in name
        if ours and state["best_k_models"]:
            sign = 1 if mode == "min" else -1
            ranked = sorted(state["best_k_models"].items(), key=lambda item: sign * item[1].item())
            ranked = ranked[: settings.checkpoint.save_top_k]
            state["best_k_models"] = dict(ranked)
            state["kth_best_model_path"], state["kth_value"] = ranked[-1]
            best |= state["best_k_models"].keys()
    if not best:
        print(f"train.checkpoint: earlier best epochs were not chosen by {monitor}, so they are ignored")
    return best


def _without_position(path: Path) -> dict[str, Any]:
    """Only a checkpoint's weights: its position in the epoch differs if that was resumed."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return {"state_dict": content["state_dict"]}


def _is_periodic(name: str, settings: schema.Train) -> bool:
    return settings.checkpoint.every_n_epochs is not None and name.startswith("periodic/")


def _renamed(value: Any, old: str, new: str) -> Any:
    """A copy with the folder replaced in every string, interned so that equal states have equal bytes."""
    if isinstance(value, str):
        return sys.intern(value.replace(old, new))
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(item, old, new) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_renamed(item, old, new) for item in value)
    return value.clone() if isinstance(value, Tensor) else value
