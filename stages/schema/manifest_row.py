"""Rows of a manifest: JSON lines that NeMo and lhotse read too."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

REJECTED = "rejected.json"


class ManifestRow(BaseModel):
    """One utterance. Text is raw: normalising it belongs to the tokens.

    Labels of tasks beside it: ``phonemes`` separated by spaces; of a chord its ``chord_type``, and ``root``
    and ``bass_note`` as pitch classes C, C#, ... B, which ``text`` holds too, as root:chord_type/bass_note.
    ``audio_filepath`` is relative to the manifest's folder or absolute; ``offset`` and ``duration``
    are seconds; ``audio_sha256`` is of the whole file. ``repeat`` is how many times more than once training
    takes it in an epoch.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    id: str
    audio_filepath: str
    offset: float = Field(ge=0, default=0.0)
    duration: float = Field(gt=0)
    text: str
    speaker: str | None = None
    language: str | None = None
    audio_sha256: str
    repeat: int | None = Field(gt=0, default=None)
    phonemes: str | None = None
    chord_type: str | None = None
    root: str | None = None
    bass_note: str | None = None


class RejectedRow(BaseModel):
    """An utterance that was left out, why, and the value that was the reason."""

    id: str
    reason: str
    value: str


def manifest_splits(folder: Path) -> list[str]:
    """The splits whose manifests are there, sorted."""
    return sorted(path.stem for path in folder.glob("*.json") if path.name != REJECTED)


def read_manifest(path: Path) -> list[ManifestRow]:
    """All rows of a manifest; ValueError naming file and line of the first one that is wrong."""
    return list(manifest_rows(path))


def manifest_rows(path: Path) -> Iterator[ManifestRow]:
    """The same one after the other."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield ManifestRow.model_validate_json(line)
            except ValidationError as error:
                raise ValueError(f"{path}, line {number}: {error}") from error


def write_rows(path: Path, rows: Iterable[BaseModel]) -> None:
    """JSON lines; keys that hold nothing are left out."""
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(map(row_line, rows))


def row_line(row: BaseModel) -> str:
    """A row as JSON on a line."""
    return row.model_dump_json(exclude_none=True) + "\n"
