"""Let a signal end training only while the model computes."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from stages.callbacks.resume_state import ResumeState
from stages.program.signals import release_exit


class Interruptible(Callback):
    """Lets a signal, also one that arrived before, end the training within a forward or backward pass.

    Loggers and progress bars have threads and locks. An exit raised while one of them holds a lock never
    releases it, and the training then waits forever for TensorBoard's writer. So ResumeState delays signals
    while anything but the model runs, and while the state cannot be saved. Must be the last callback.
    """

    def __init__(self, state: ResumeState) -> None:
        self.state = state

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self.state.is_current:
            release_exit()

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if self.state.is_current:
            release_exit()
