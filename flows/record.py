"""The record of a retraining, for users and for the page of champions, in artifacts/logs/retrain.

STAMP-NAME.md is the text. The folder STAMP-NAME next to it contains record.json, the same for programs, and
the files that the text links to. The last version only wrote the text.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from stages.program.outputs import write_whole

DATA = "record.json"
NOTED = ".noted.json"
STAMP = "%Y%m%d-%H%M%S"


@dataclass
class Record:
    """A retraining fills in facts as they become known, so that the record of a failed one has them, too."""

    started: str  # ISO, local time
    started_by: str = ""
    name: str = "Failed"  # Promoted, Refused, NothingNew, RolledBack or Failed
    reasons: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    seconds: float = 0.0
    before: str | None = None  # the champion before
    champion: str | None = None  # the champion after
    commit: str | None = None  # the candidate's
    code: str | None = None  # the project's commit, from which it was made
    manifest: str | None = None  # DVC's hash of its manifest
    params: dict[str, list[Any]] = field(default_factory=dict)  # the champion's and the candidate's value
    data: dict[str, float] = field(default_factory=dict)
    distances: dict[str, float] = field(default_factory=dict)
    comparison: dict[str, Any] = field(default_factory=dict)  # as earshot compare --json prints it
    transcripts: dict[str, Any] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    stages: list[list[str]] = field(default_factory=list)  # name, state, why

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.started)

    @property
    def said(self) -> str:
        return "; ".join(self.reasons)

    def place(self, project_records: Path) -> Path:
        """The record's folder."""
        return project_records / f"{self.when.strftime(STAMP)}-{self.name.lower()}"


def keep(record: Record, text: str, records: Path) -> None:
    """Write both files."""
    folder = record.place(records)
    _write(record, folder / DATA)
    write_whole(folder.with_name(f"{folder.name}.md"), text.encode())
    drop(record, records)


def note(record: Record, records: Path) -> None:
    """Write a note of a promotion before it happens; ``keep`` and ``drop`` remove it."""
    _write(record, _note_of(record, records))


def noted(records: Path) -> list[Record]:
    """Notes that were neither kept nor dropped, because their retraining was killed."""
    return [_read(path) for path in sorted(records.glob(f"*{NOTED}"))]


def drop(record: Record, records: Path) -> None:
    """Remove the note."""
    _note_of(record, records).unlink(missing_ok=True)


def _note_of(record: Record, records: Path) -> Path:
    folder = record.place(records)
    return folder.with_name(f"{folder.name}{NOTED}")


def _write(record: Record, path: Path) -> None:
    content = json.dumps(asdict(record), indent=1, default=str, ensure_ascii=False)
    write_whole(path, content.encode())


def kept(records: Path) -> Iterator[Record]:
    """All readable records, oldest first; of the last version's, the facts in the text."""
    for path in sorted(records.glob("*.md")):
        data = path.with_suffix("") / DATA
        try:
            yield _read(data) if data.exists() else _of_last_version(path)
        except (ValueError, TypeError):  # not a record
            continue


def _read(path: Path) -> Record:
    known = {each.name for each in fields(Record)}
    found = json.loads(path.read_text(encoding="utf-8"))
    return Record(**{name: value for name, value in found.items() if name in known})


def _of_last_version(path: Path) -> Record:
    """From "# Refused, 2025-01-02 03:04", an empty line, and reasons as a list."""
    when = datetime.strptime(path.name[:15], STAMP)
    title, _, rest = path.read_text(encoding="utf-8").partition("\n")
    if not title.startswith("# "):
        raise ValueError(f"{path}: not the record of a retraining")
    reasons = [line.removeprefix("- ") for line in rest.split("\n```")[0].splitlines() if line.strip()]
    return Record(started=when.isoformat(), name=title[2:].partition(",")[0], reasons=reasons)
