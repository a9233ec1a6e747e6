"""Files that belong to a record: the report on the corpus, a plot of the drift, changed transcripts."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows import drift_picture, transcript_changes
from flows.drift import Drift
from flows.record import Record, kept
from stages.schema.manifest_row import REJECTED

REPORT, PICTURE, TRANSCRIPTS = "report.html", "drift.png", "transcripts.csv"


@dataclass
class Exhibits:
    """Results of a retraining that are stored as files."""

    report: Path | None = None
    drift: Drift | None = None
    transcripts: list[dict[str, Any]] = field(default_factory=list)

    def write(self, folder: Path, record: Record) -> None:
        """Write the files for which there are results."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.report and self.report.is_file():
            shutil.copyfile(self.report, folder / REPORT)
            shutil.copyfile(self.report.with_name(REJECTED), folder / REJECTED)
        if self.transcripts:
            transcript_changes.write(self.transcripts, folder / TRANSCRIPTS)
        if self.drift and self.drift.new:
            earlier = [each for each in kept(folder.parent) if each.started != record.started]
            drift_picture.write(self.drift, [*earlier, record], folder / PICTURE)
