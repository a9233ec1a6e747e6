"""What training keeps: the best weights and the next best, those of every nth epoch, and its last state."""

import io
import sys
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch import Tensor

from stages.callbacks.resume_state import ResumeState
from stages.program.outputs import write_whole
from stages.schema import params as schema
from stages.tasks.checkpoint import Recipe, pack
from stages.tasks.task import Task

# What a schedule has come to; the rest follows from params.yaml, which may name more epochs now.
PROGRESS = {
    "last_epoch",
    "_step_count",
    "_last_lr",
    "best",
    "num_bad_epochs",
    "cooldown_counter",
    "T_cur",
    "T_i",
    "lr_lambdas",
}
HERE = "<work>"  # in a kept state, the folder in which its training kept its files


class Checkpoints:
    """The callbacks that save while a training runs in ``work``, and what becomes of their files.

    ``start`` is a state that ``write`` kept: where a new training goes on instead of at its beginning.
    """

    def __init__(
        self, settings: schema.Checkpoint, work: Path, recipe: Recipe, start: Path | None = None
    ) -> None:
        self.settings, self.work, self.recipe = settings, work, recipe
        self.state = ResumeState(work / "resume" / "last.ckpt", keep_end=not settings.save_weights_only)
        self.best = self._saver("best", settings.monitor, settings.mode, settings.save_top_k)
        self.callbacks: list[Callback] = [self.state, self.best]
        if settings.every_n_epochs:
            self.callbacks.append(self._saver("periodic", every_n_epochs=settings.every_n_epochs))
        if start and not self.state.path.exists():
            _unpack_state(start, work, self.state.path, recipe)

    def _saver(
        self,
        name: str,
        monitor: str | None = None,
        mode: str = "min",
        top_k: int = -1,
        every_n_epochs: int = 1,
    ) -> ModelCheckpoint:
        return ModelCheckpoint(
            dirpath=self.work / name, filename="{epoch}-{step}", monitor=monitor, mode=mode, save_top_k=top_k,
            every_n_epochs=every_n_epochs, save_on_train_epoch_end=monitor is None, save_weights_only=True,
            enable_version_counter=False,
        )  # fmt: skip

    def write(self, folder: Path, task: Task) -> None:
        """best.ckpt, last.ckpt, and what else there is in checkpoints/."""
        score = {path: value.item() for path, value in self.best.best_k_models.items()}
        ranked = sorted(map(Path, score), key=lambda path: (score[str(path)], path.name))
        if self.settings.mode == "max":
            ranked.sort(key=lambda path: -score[str(path)])
        last = task.state_dict()  # also the best of a fast_dev_run, which validates but saves nothing
        (folder / "best.ckpt").write_bytes(pack(self.recipe, _weights(ranked[0]) if ranked else last))
        (folder / "last.ckpt").write_bytes(pack(self.recipe, last))
        kept = folder / "checkpoints"
        kept.mkdir()
        named = {f"best-{rank}-{path.name}": path for rank, path in enumerate(ranked, 1) if len(ranked) > 1}
        named |= {path.name: path for path in sorted((self.work / "periodic").glob("*.ckpt"))}
        for name, path in named.items():
            (kept / name).write_bytes(pack(self.recipe, _weights(path)))
        if self.state.keep_end:
            (kept / "state.ckpt").write_bytes(_pack_state(self.state.end, self.work, self.recipe))


def _weights(path: Path) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    return weights


def _pack_state(path: Path, work: Path, recipe: Recipe) -> bytes:
    """A training's state with the files that it names, so that it can go on elsewhere."""
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


def _unpack_state(path: Path, work: Path, target: Path, recipe: Recipe) -> None:
    """Lay a kept state out in another training's folder; ValueError if it is none, or of another model."""
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        found = _renamed(kept, HERE, str(work.resolve()))
        state, files, before = found["state"], found["files"], Recipe.model_validate_json(found["recipe"])
        state["lr_schedulers"] = [_progress(scheduler) for scheduler in state["lr_schedulers"]]
    except FileNotFoundError as error:
        raise ValueError(f"train.resume_from: {path}: no such file") from error
    except Exception as error:  # torch names damage with many exception types
        raise ValueError(f"train.resume_from: {path} is no state.ckpt of a training: {error}") from error
    if other := [name for name in Recipe.model_fields if getattr(before, name) != getattr(recipe, name)]:
        raise ValueError(
            f"train.resume_from: {path} is of a training with another {' and another '.join(other)}, so its"
            " weights mean something else; train.init_from starts from weights alone"
        )
    for name, content in {**files, str(target.relative_to(work)): state}.items():
        buffer = io.BytesIO()
        torch.save(content, buffer)
        write_whole(work / name, buffer.getvalue())


def _progress(scheduler: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in scheduler.items() if name in PROGRESS}


def _renamed(value: Any, old: str, new: str) -> Any:
    """A copy with another folder in every text, and every text interned: equal states have equal bytes."""
    if isinstance(value, str):
        return sys.intern(value.replace(old, new))
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(item, old, new) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_renamed(item, old, new) for item in value)
    return value.clone() if isinstance(value, Tensor) else value
