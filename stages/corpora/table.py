"""Tables that people already have: NeMo JSON lines, CSV, TSV or Parquet, with a path and a text column."""

import csv
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import from_json

from stages.corpora.corpus import Corpus, Utterance
from stages.schema.params import Split

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


class Table(Corpus):
    """One table, or a table for each split; their paths are relative to manifest.root and lie below it.
    A path may be a pattern, as in ``tables/*.csv``: every table that it matches is read, in order.

    ``columns`` names the table's columns where they differ from NeMo's; all but audio and text are
    optional and used when present. Cells are read as text, as they stand. Audio paths are relative to
    the table's folder, or absolute; offset and duration are seconds, phonemes stand apart by
    spaces. Without an id column (or in its empty cells) the id is the audio path relative to manifest.root,
    then ``@offset`` where that is not zero; a row that names no audio is called by its table and row, and
    the manifest stage rejects it.

    The split is the one that ``path`` gives the table, else the row's own (``split_names`` translates,
    as in ``{dev: validation}``), else None: the manifest stage then splits by speaker.

    .json, .jsonl and .ndjson hold an object a line; .tsv knows no quotes, as in Common Voice.
    ValueError, with file and column or row, for a table that cannot be read, a column that is missing,
    and an offset or duration that is no finite number.
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
        rows: Iterable[Any] = self._cells(root, path).itertuples()
        for row in rows:
            audio = _relative_to_root(path, row.audio)
            offset = float(row.offset or 0.0)
            own_split = self.split_names.get(row.split, row.split)
            yield Utterance(
                id=row.id or _default_id(audio, offset, f"{path}, {row.Index}"),
                audio=audio,
                text=row.text,
                split=split or own_split or None,
                speaker=row.speaker or None,
                language=row.language or None,
                offset_seconds=offset,
                duration_seconds=None if row.duration is None else float(row.duration),
                labels={"phonemes": row.phonemes} if row.phonemes.strip() else {},
            )

    def _cells(self, root: Path, path: str) -> pd.DataFrame:
        """The table in our own column names: text, empty where there is none; times as numbers or None."""
        if _leaves(path):
            raise ValueError(
                f"{path}: a table outside manifest.root, where DVC sees no change; move it below {root}"
            )
        names: dict[Column, str] = DEFAULT_NAMES | self.columns
        table = _read(root / path, names.values())
        for column, name in names.items():
            if name not in table.columns and (column in REQUIRED or column in self.columns):
                found = ", ".join(map(repr, table.columns)) or "none"
                raise ValueError(
                    f"{root / path}: no column {name!r}, found {found}; name the column that holds the"
                    f" {column} in init_args.columns.{column}"
                )
        cells = pd.DataFrame(
            {column: table.get(name, "") for column, name in names.items()}, index=table.index
        )
        for column in ("offset", "duration"):
            cells[column] = _seconds(cells[column], f"{root / path}", names[column])
        return cells


def _matching(root: Path, path: str) -> list[str]:
    """The tables that a pattern means, relative to the root; any other path itself."""
    if not set("*?[") & set(path) or _leaves(path):
        return [path]
    found = sorted(match.relative_to(root).as_posix() for match in root.glob(path) if match.is_file())
    if not found:
        raise ValueError(f"{root / path}: no table matches; put one there, or correct init_args.path")
    return found


def _leaves(path: str) -> bool:
    return Path(path).is_absolute() or Path(os.path.normpath(path)).parts[:1] == ("..",)


def _relative_to_root(table: str, audio: str) -> Path:
    """Of a path relative to its table, or absolute; the empty path where there is none."""
    return Path(os.path.normpath(Path(table).parent / audio)) if audio.strip() else Path()


def _default_id(audio: Path, offset_seconds: float, place: str) -> str:
    if audio == Path():
        return place
    return f"{audio.as_posix()}@{offset_seconds}" if offset_seconds else audio.as_posix()


def _seconds(cells: pd.Series, path: str, name: str) -> pd.Series:
    """Finite numbers, None for empty cells."""
    numbers = pd.to_numeric(cells, errors="coerce")
    empty = cells.str.strip() == ""
    wrong = cells[~empty & ~np.isfinite(numbers)]
    if len(wrong):
        raise ValueError(
            f"{path}, {wrong.index[0]}, column {name!r}: expected a finite number of seconds, found"
            f" {wrong.iloc[0]!r} ({len(wrong)} such in all); correct it, or leave the cell empty"
        )
    return numbers.astype(object).where(~empty, None)


def _read(path: Path, wanted: Collection[str]) -> pd.DataFrame:
    """All columns, the wanted ones as text with empty cells as ""; the index says 'row 3' or 'line 3'."""
    readers = {
        ".json": _read_json_lines,
        ".jsonl": _read_json_lines,
        ".ndjson": _read_json_lines,
        ".csv": _read_csv,
        ".tsv": _read_tsv,
        ".parquet": _read_parquet,
    }
    if path.suffix.lower() not in readers:
        raise ValueError(
            f"{path}: unknown kind of table {path.suffix!r}, expected one of {', '.join(readers)}"
        )
    try:
        return readers[path.suffix.lower()](path, wanted)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such table; put it there, or correct init_args.path") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error}); save it as UTF-8") from error
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise ValueError(f"{path}: not a readable {path.suffix} table: {error}") from error


def _read_json_lines(path: Path, wanted: Collection[str]) -> pd.DataFrame:
    rows: dict[str, dict[str, Any]] = {}
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                rows[f"line {number}"] = _json_object(line, number)
    table = pd.DataFrame(list(rows.values()), index=list(rows), dtype=object)
    cells = table[[name for name in table.columns if name in wanted]]
    for name in cells.columns:
        odd = cells[name].map(lambda cell: isinstance(cell, bool | list | dict))
        if odd.any():
            found = cells[name][odd].iloc[0]
            raise ValueError(
                f"{odd.idxmax()}, column {name!r}: expected text, a number or null, found {found}"
            )
    return cells.where(cells.notna(), "").map(str).reindex(columns=table.columns)


def _json_object(line: str, number: int) -> dict[str, Any]:
    try:
        # Not json.loads: it lets NaN and halves of characters through.
        row = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        problem = str(error).replace("line 1 ", "")  # the parser knows of this line only
        raise ValueError(f"line {number}: {problem}, in {line.strip()[:80]}") from error
    if not isinstance(row, dict):
        raise ValueError(f"line {number}: expected one object {{...}} a line, found {line.strip()[:80]}")
    return row


def _read_csv(path: Path, wanted: Collection[str]) -> pd.DataFrame:
    return _read_delimited(path)


def _read_tsv(path: Path, wanted: Collection[str]) -> pd.DataFrame:
    return _read_delimited(path, delimiter="\t", quoting=csv.QUOTE_NONE)


def _read_delimited(path: Path, **dialect: Any) -> pd.DataFrame:
    """With csv and not pandas, which says nothing of a row that is shorter than the header."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        filled = [row for row in csv.reader(stream, strict=True, **dialect) if row]
    if not filled:
        raise ValueError("No columns in the file")
    header, *rows = filled
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise ValueError(f"two columns are called {twice[0]!r}")
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} cells, the header {len(header)}: {row[:3]}")
    return pd.DataFrame(rows, columns=header, index=_row_names(len(rows)), dtype=str)


def _read_parquet(path: Path, wanted: Collection[str]) -> pd.DataFrame:
    names = pq.read_schema(path).names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two columns are called {twice[0]!r}")
    # Without partitioning=None a folder called split=train would become a column.
    table = pq.read_table(path, columns=[name for name in names if name in wanted], partitioning=None)
    texts = {}
    for name in table.column_names:
        try:
            texts[name] = table[name].cast(pa.string()).fill_null("").to_pandas()
        except pa.ArrowException as error:
            raise ValueError(
                f"column {name!r}: expected text or numbers, found {table[name].type}"
            ) from error
    return pd.DataFrame(texts).set_axis(_row_names(len(table))).reindex(columns=names)


def _row_names(num_rows: int) -> list[str]:
    return [f"row {number}" for number in range(1, num_rows + 1)]
