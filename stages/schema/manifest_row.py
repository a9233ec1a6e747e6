"""Rows of a manifest: JSON lines that NeMo and lhotse read too."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

REJECTED = "rejected.json"


class ManifestRow(BaseModel):
    """One utterance. ``text`` is raw: the tokens normalise it.

    Other labels: ``phonemes`` separated by spaces; for a chord ``chord_type``, and ``root`` and
    ``bass_note`` as pitch classes C, C#, ... B, all also in ``text`` as root:chord_type/bass_note.
    ``audio_filepath`` is relative to the manifest's folder or absolute; ``offset`` and ``duration`` are in
    seconds; ``audio_sha256`` is that of the entire file. ``repeat`` is the number of additional times that an
    epoch contains the utterance.
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
    """An utterance that was left out, with the reason and the value that caused it."""

    id: str
    reason: str
    value: str


def manifest_splits(folder: Path) -> list[str]:
    """The splits whose manifests exist, sorted."""
    return sorted(path.stem for path in folder.glob("*.json") if path.name != REJECTED)


def read_manifest(path: Path) -> list[ManifestRow]:
    """All rows of a manifest; ValueError with file and line of the first invalid one."""
    return list(manifest_rows(path))


def manifest_rows(path: Path) -> Iterator[ManifestRow]:
    """Yield the rows of a manifest one by one."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield ManifestRow.model_validate_json(line)
            except ValidationError as error:
                raise ValueError(f"{path}, line {number}: {error}") from error


def write_rows(path: Path, rows: Iterable[BaseModel]) -> None:
    """Write JSON lines; keys whose value is None are left out."""
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(map(row_line, rows))


def row_line(row: BaseModel) -> str:
    """A row as one line of JSON."""
    return row.model_dump_json(exclude_none=True) + "\n"
