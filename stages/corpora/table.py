"""Existing tables: NeMo JSON lines, CSV, TSV or Parquet, with a path and a text column."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from stages.corpora.corpus import Corpus, Utterance
from stages.schema.families import Split
from stages.tables.table_file import Cells, read_table

Column = Literal["audio", "text", "id", "speaker", "split", "language", "offset", "duration", "phonemes"]
DEFAULT_NAMES: dict[Column, str] = {
    "audio": "audio_filepath",
    "text": "text",
    "id": "id",
    "speaker": "speaker",
    "split": "split",
    "language": "language",
    "offset": "offset",
    "duration": "duration",
    "phonemes": "phonemes",
}
REQUIRED = ("audio", "text")
TIMES: tuple[Column, ...] = ("offset", "duration")


class Table(Corpus):
    """One table, or a table for each split; paths are relative to manifest.root and below it. A path may
    be a pattern, as in ``tables/*.csv``: every matching table is read, in order.

    ``columns`` names the table's columns if they differ from NeMo's; all but audio and text are optional.
    Cells are read as text, unchanged. Audio paths are relative to the table's folder, or absolute; offset
    and duration are seconds, phonemes are separated by spaces. Without an id column (or in its empty cells)
    the id is the audio path relative to manifest.root, then ``@offset`` if that is not zero; the id of a row
    without audio is its table and row, and the manifest stage rejects it.

    The split is that of the table in ``path``, else that of the row (``split_names`` translates, as in
    ``{dev: validation}``), else None: the manifest stage then splits by speaker.

    .json, .jsonl and .ndjson hold an object per line; .tsv has no quotes, as in Common Voice. ValueError,
    with file and column or row, for a table that cannot be read, a missing column, and an offset or
    duration that is not a finite number.
    """

    def __init__(
        self,
        path: str | dict[Split, str] = "manifest.json",
        columns: dict[Column, str] | None = None,
        split_names: dict[str, Split] | None = None,
    ) -> None:
        self.path = path
        self.columns = columns or {}
        self.split_names: dict[str, Split] = split_names or {}

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        paths = {None: self.path} if isinstance(self.path, str) else self.path
        for split, pattern in paths.items():
            for path in _matching(root, pattern):
                yield from self._rows(root, path, split)

    def _rows(self, root: Path, path: str, split: Split | None) -> Iterator[Utterance]:
        names: dict[Column, str] = DEFAULT_NAMES | self.columns
        for place, row in self._cells(root, path, names).rows([*names.values()]):
            yield self._utterance(row, path, split, f"{path}, {place}")

    def _utterance(self, row: tuple[str, ...], path: str, split: Split | None, place: str) -> Utterance:
        cell: dict[Column, str] = dict(zip(DEFAULT_NAMES, row, strict=True))
        audio = _relative_to_root(path, cell["audio"])
        offset, duration = (float(cell[time]) if cell[time].strip() else None for time in TIMES)
        return Utterance(
            id=cell["id"] or _default_id(audio, offset or 0.0, place),
            audio=audio,
            text=cell["text"],
            split=split or self.split_names.get(cell["split"], cell["split"]) or None,
            speaker=cell["speaker"] or None,
            language=cell["language"] or None,
            offset_seconds=offset or 0.0,
            duration_seconds=duration,
            labels={"phonemes": cell["phonemes"]} if cell["phonemes"].strip() else {},
        )

    def _cells(self, root: Path, path: str, names: dict[Column, str]) -> Cells:
        """Read and check a table."""
        if _leaves(path):
            raise ValueError(
                f"{path}: a table outside manifest.root, which DVC does not track; move it below {root}"
            )
        table = read_table(root / path, names.values())
        for column, name in names.items():
            if name not in table.names and (column in REQUIRED or column in self.columns):
                found = ", ".join(map(repr, table.names)) or "none"
                raise ValueError(
                    f"{root / path}: no column {name!r}, found {found}; name the column that holds the"
                    f" {column} in init_args.columns.{column}"
                )
        for time in TIMES:
            try:
                table.check_seconds(names[time])
            except ValueError as error:
                raise ValueError(f"{root / path}, {error}") from error
        return table


def _matching(root: Path, path: str) -> list[str]:
    """The tables that match a pattern, relative to the root; any other path unchanged."""
    if not set("*?[") & set(path) or _leaves(path):
        return [path]
    found = sorted(match.relative_to(root).as_posix() for match in root.glob(path) if match.is_file())
    if not found:
        raise ValueError(f"{root / path}: no table matches; put one there, or correct init_args.path")
    return found


def _leaves(path: str) -> bool:
    return Path(path).is_absolute() or Path(os.path.normpath(path)).parts[:1] == ("..",)


def _relative_to_root(table: str, audio: str) -> Path:
    """The audio path from the root, or absolute; the empty path if there is none."""
    return Path(os.path.normpath(Path(table).parent / audio)) if audio.strip() else Path()


def _default_id(audio: Path, offset_seconds: float, place: str) -> str:
    if audio == Path():
        return place
    return f"{audio.as_posix()}@{offset_seconds}" if offset_seconds else audio.as_posix()
