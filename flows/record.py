"""What became of a candidate, for people and for the page of champions: two files in artifacts/logs/retrain.

STAMP-NAME.md is to be read, and names what lies beside it in the folder STAMP-NAME: record.json, the same
for programs, and files that belong to it. The last version wrote the former alone.
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
    """Facts are filled in as a retraining comes to know them, so that one that fails tells what it knew."""

    started: str  # ISO, local time
    started_by: str = ""
    name: str = "Failed"  # Promoted, Refused, NothingNew, RolledBack or Failed
    reasons: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    seconds: float = 0.0
    before: str | None = None  # the champion that there was
    champion: str | None = None  # the champion that there is
    commit: str | None = None  # the candidate's
    code: str | None = None  # the project's commit that it was made from
    manifest: str | None = None  # what DVC calls its manifest
    params: dict[str, list[Any]] = field(default_factory=dict)  # the champion's and the candidate's
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
        """Its own folder."""
        return project_records / f"{self.when.strftime(STAMP)}-{self.name.lower()}"


def keep(record: Record, text: str, records: Path) -> None:
    """Write both files."""
    folder = record.place(records)
    _write(record, folder / DATA)
    write_whole(folder.with_name(f"{folder.name}.md"), text.encode())
    drop(record, records)


def note(record: Record, records: Path) -> None:
    """Write what is about to be true; it is kept once it is, or else dropped."""
    _write(record, _note_of(record, records))


def noted(records: Path) -> list[Record]:
    """What was noted, and neither kept nor dropped: its retraining was killed."""
    return [_read(path) for path in sorted(records.glob(f"*{NOTED}"))]


def drop(record: Record, records: Path) -> None:
    """Forget the note."""
    _note_of(record, records).unlink(missing_ok=True)


def _note_of(record: Record, records: Path) -> Path:
    folder = record.place(records)
    return folder.with_name(f"{folder.name}{NOTED}")


def _write(record: Record, path: Path) -> None:
    content = json.dumps(asdict(record), indent=1, default=str, ensure_ascii=False)
    write_whole(path, content.encode())


def kept(records: Path) -> Iterator[Record]:
    """All that can be read, the oldest first; of the last version's what the file's name and title say."""
    for path in sorted(records.glob("*.md")):
        data = path.with_suffix("") / DATA
        try:
            yield _read(data) if data.exists() else _of_last_version(path)
        except (ValueError, TypeError):  # somebody else's file
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
        raise ValueError(f"{path}: no record of a retraining")
    reasons = [line.removeprefix("- ") for line in rest.split("\n```")[0].splitlines() if line.strip()]
    return Record(started=when.isoformat(), name=title[2:].partition(",")[0], reasons=reasons)
