"""history.csv: one row a validation, plotted by DVC, and drawn while the training runs."""

import csv
import io
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from stages.callbacks.training_picture import draw
from stages.program.outputs import write_whole

SECONDS_BETWEEN_PICTURES = 30.0


class History(Callback):
    """Collects what was logged at every validation; its rows are part of the resume state."""

    def __init__(self, picture: Path) -> None:
        self.rows: list[dict[str, float]] = []
        self.picture = picture
        self._drawn_at = float("-inf")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        row["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        logged = {name: value.item() for name, value in trainer.callback_metrics.items()}
        self.rows.append({**row, **dict(sorted(logged.items()))})
        if trainer.is_global_zero and time.monotonic() > self._drawn_at + SECONDS_BETWEEN_PICTURES:
            self._draw()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero and self.rows:
            self._draw()

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

    def _draw(self) -> None:
        """The picture, or one line about why there is none on a machine that only trains."""
        if find_spec("matplotlib"):
            write_whole(self.picture, draw(self.csv().decode()))
        elif self._drawn_at < 0:
            print(f"no {self.picture}: matplotlib is not installed; the extra pipeline has it", flush=True)
        self._drawn_at = time.monotonic()
