"""When a signal may end a training: while its model computes."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from stages.callbacks.resume_state import ResumeState
from stages.program.signals import release_exit


class Interruptible(Callback):
    """Lets a signal end the training within a forward or a backward pass, and one that came before, now.

    Loggers and progress bars have threads and locks. An exit raised while one of them holds a lock never
    gives it back, and the training then waits for ever for TensorBoard's writer. So a signal waits for
    whatever is not the model's work (ResumeState holds it), and while the state could not be saved. To be
    the last callback.
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
