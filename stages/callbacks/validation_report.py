"""What users read while a model trains: one line per validation, and some transcripts."""

from lightning.pytorch import Callback, LightningModule, Trainer

from stages.callbacks.lightning_task import LightningTask
from stages.callbacks.pace import Pace

NUM_SAMPLES = 3
MAX_CHARACTERS = 200  # of a text: a model that has not learned to stop may write long ones


class ValidationReport(Callback):
    """Prints losses and error rates with the pace, and a few references with their hypotheses."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        assert isinstance(pl_module, LightningTask)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in sorted(trainer.callback_metrics.items()))
        of = f"/{trainer.max_epochs}" if trainer.max_epochs not in (None, -1) else ""
        pace = f"{self.pace.hours_per_hour():.0f} h/h  {self.pace.time_left(trainer)}"
        print(f"epoch {trainer.current_epoch + 1}{of}  {shown}  {pace}", flush=True)
        for name, reference, hypothesis in pl_module.samples(NUM_SAMPLES):
            print(f"  {name}\n    reference  {_cut(reference)}", flush=True)
            print(f"    hypothesis {_cut(hypothesis.text)}", flush=True)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}\u2026"
