"""The speed of training in hours of audio per hour, and the time left."""

import sys
import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar, RichProgressBar

from stages.batching.batch import Batch

SECONDS_BETWEEN_READINGS = 1.0


class Pace(Callback):
    """Counts the audio trained on since this process started, and the time without validation."""

    def __init__(self) -> None:
        self._num_frames: Any = 0  # stays on the device until it is read
        self._frame_seconds = 0.0  # of audio, over all devices
        self._seconds = 0.0
        self._resumed_at: float | None = None
        self._first_step: int | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        metadata = trainer.datamodule.train.metadata  # type: ignore[attr-defined]
        self._frame_seconds = metadata.frame_shift_seconds * trainer.world_size
        self._started, self._first_step = time.monotonic(), trainer.global_step
        self._resumed_at = self._started

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self._num_frames = self._num_frames + batch.feature_lengths.sum()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            self._resumed_at = time.monotonic()

    def hours_per_hour(self) -> float:
        """Hours of audio trained on per hour; a resumed training counts from where it resumes."""
        audio_seconds = float(torch.as_tensor(self._num_frames)) * self._frame_seconds
        return audio_seconds / max(self._training_seconds(), 1e-9)

    def time_left(self, trainer: Trainer) -> str:
        """The time until the last epoch ends, validations included; empty if unknown."""
        left = trainer.estimated_stepping_batches - trainer.global_step
        if self._first_step is None or left == float("inf"):
            return ""
        if not (steps := trainer.global_step - self._first_step):
            return ""
        seconds = (time.monotonic() - self._started) / steps * left
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s left"

    def _stop(self) -> None:
        self._seconds, self._resumed_at = self._training_seconds(), None

    def _training_seconds(self) -> float:
        running = 0.0 if self._resumed_at is None else time.monotonic() - self._resumed_at
        return self._seconds + running


class PaceBar(RichProgressBar):
    """Lightning's progress bar with metrics and pace, read from the device at most once a second."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace
        self._metrics: dict[str, Any] = {}
        self._read_at = 0.0

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        if not self._metrics or time.monotonic() > self._read_at + SECONDS_BETWEEN_READINGS:
            pace = {"h/h": f"{self._pace.hours_per_hour():.0f}", "all": self._pace.time_left(trainer)}
            metrics = super().get_metrics(trainer, pl_module)
            self._metrics = {name: value for name, value in metrics.items() if name != "v_num"} | pace
            self._read_at = time.monotonic()
        return self._metrics


def progress_bar(pace: Pace, callbacks: list[Any], wanted: bool | None) -> tuple[bool, list[Callback]]:
    """Whether there is a progress bar, and the one to add: none if the user has their own.

    With ``wanted`` None, only a terminal gets one; a file gets ValidationReport's lines.
    """
    if any(isinstance(callback, ProgressBar) for callback in callbacks):
        return True, []
    shown = sys.stderr.isatty() if wanted is None else wanted
    return shown, [PaceBar(pace)] if shown else []
