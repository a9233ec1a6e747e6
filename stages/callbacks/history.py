"""history.csv: one row per validation, plotted by DVC, and drawn while the training runs."""

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
        self._drawn_at = time.monotonic()

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
        """Draw the last picture, or print why there is none without matplotlib."""
        if trainer.is_global_zero and self.rows and not self._draw():
            print(f"no {self.picture}: matplotlib is not installed; install the extra pipeline", flush=True)

    def csv(self) -> bytes:
        """The rows as CSV, columns in the order in which they first appear."""
        return _csv(self.rows, list(dict.fromkeys(name for row in self.rows for name in row)))

    def write(self, folder: Path) -> None:
        """Write history.csv, and validation/METRIC.csv for each metric.

        Recipes differ in their metrics: DVC plots all files of a folder, but only named columns of a file.
        """
        (folder / "history.csv").write_bytes(self.csv())
        (folder / "validation").mkdir()
        for name in sorted(
            {name for row in self.rows for name in row if name.startswith("val_")} - {"val_loss"}
        ):
            rows = [row for row in self.rows if name in row]
            path = folder / "validation" / f"{name.removeprefix('val_')}.csv"
            path.write_bytes(_csv(rows, ["epoch", "step", name]))

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = state_dict["rows"]

    def _draw(self) -> bool:
        """Draw the picture; False if matplotlib is not installed."""
        if can_draw := find_spec("matplotlib") is not None:
            write_whole(self.picture, draw(self.csv().decode()))
            self._drawn_at = time.monotonic()
        return can_draw


def _csv(rows: list[dict[str, float]], columns: list[str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
