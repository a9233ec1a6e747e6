"""References beside hypotheses in TensorBoard, the same utterances at every validation."""

import html
import re
from collections.abc import Iterable

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from stages.callbacks.lightning_task import LightningTask

NUM_SAMPLES = 12


class SampleTable(Callback):
    """Writes a table under the tab Text, with a step for each validation."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        assert isinstance(pl_module, LightningTask)
        rows = [
            (name, reference, hypothesis.text)
            for name, reference, hypothesis in pl_module.samples(NUM_SAMPLES)
        ]
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_text("samples", markdown_table(rows), trainer.global_step)


def markdown_table(rows: Iterable[tuple[str, str, str]]) -> str:
    """A table of utterances; what they say is shown as it is, whatever it would mean in Markdown."""
    head = ["utterance | reference | hypothesis", "--- | --- | ---"]
    return "\n".join([*head, *(" | ".join(map(_literal, row)) for row in rows)])


def _literal(text: str) -> str:
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(" ".join(text.split()), quote=False))
