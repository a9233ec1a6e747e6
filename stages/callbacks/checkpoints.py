"""What training keeps: the best weights, those of every nth epoch, and its last state."""

from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch import Tensor

from stages.callbacks.kept_state import pack_state
from stages.callbacks.resume_state import ResumeState
from stages.schema import params as schema
from stages.tasks.checkpoint import Recipe, pack
from stages.tasks.task import Task


class Checkpoints:
    """The callbacks that save checkpoints in ``work`` during training, and the outputs made of them."""

    def __init__(self, settings: schema.Checkpoint, work: Path, recipe: Recipe) -> None:
        self.settings, self.work, self.recipe = settings, work, recipe
        self.state = ResumeState(work / "resume" / "last.ckpt", keep_end=not settings.save_weights_only)
        self.best = self._saver("best", settings.monitor, settings.mode, settings.save_top_k)
        self.callbacks: list[Callback] = [self.state, self.best]
        if settings.every_n_epochs:
            self.callbacks.append(self._saver("periodic", every_n_epochs=settings.every_n_epochs))

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
        """Write best.ckpt, last.ckpt, and all others to checkpoints/."""
        score = {path: value.item() for path, value in self.best.best_k_models.items()}
        ranked = sorted(map(Path, score), key=lambda path: (score[str(path)], path.name))
        if self.settings.mode == "max":
            ranked.sort(key=lambda path: -score[str(path)])
        last = task.state_dict()  # also the best of a fast_dev_run, which saves nothing
        (folder / "best.ckpt").write_bytes(pack(self.recipe, _weights(ranked[0]) if ranked else last))
        (folder / "last.ckpt").write_bytes(pack(self.recipe, last))
        kept = folder / "checkpoints"
        kept.mkdir()
        named = {f"best-{rank}-{path.name}": path for rank, path in enumerate(ranked, 1) if len(ranked) > 1}
        named |= {path.name: path for path in sorted((self.work / "periodic").glob("*.ckpt"))}
        for name, path in named.items():
            (kept / name).write_bytes(pack(self.recipe, _weights(path)))
        if self.state.keep_end:
            (kept / "state.ckpt").write_bytes(pack_state(self.state.end, self.work, self.recipe))


def _weights(path: Path) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    return weights
