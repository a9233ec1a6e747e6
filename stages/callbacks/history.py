"""history.csv: one row a validation, plotted by DVC."""

import csv
import io
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class History(Callback):
    """Collects what was logged at every validation; its rows are part of the resume state."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        row["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        logged = {name: value.item() for name, value in trainer.callback_metrics.items()}
        self.rows.append({**row, **dict(sorted(logged.items()))})

    def csv(self) -> bytes:
        """The rows as CSV, columns in the order in which they first appear."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue().encode()

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = state_dict["rows"]
