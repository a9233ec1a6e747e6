"""What people read while a model trains: one line a validation, and some transcripts."""

import time

from lightning.pytorch import Callback, LightningModule, Trainer

from stages.tasks.task import Task

NUM_SAMPLES = 3


class ValidationReport(Callback):
    """Prints losses and error rates with the time left, and a few references with their hypotheses."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.started, self.first_step = time.monotonic(), trainer.global_step

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        assert isinstance(pl_module, Task)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in sorted(trainer.callback_metrics.items()))
        of = f"/{trainer.max_epochs}" if trainer.max_epochs not in (None, -1) else ""
        print(f"epoch {trainer.current_epoch + 1}{of}  {shown}  {self._time_left(trainer)}", flush=True)
        step = max(1, len(pl_module.validated) // NUM_SAMPLES)
        for name, reference, hypothesis in pl_module.validated[::step][:NUM_SAMPLES]:
            print(f"  {name}\n    reference  {reference}\n    hypothesis {hypothesis.text}", flush=True)

    def _time_left(self, trainer: Trainer) -> str:
        steps = trainer.global_step - self.first_step
        left = trainer.estimated_stepping_batches - trainer.global_step
        if not steps or left == float("inf"):
            return ""
        seconds = (time.monotonic() - self.started) / steps * left
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s left"
