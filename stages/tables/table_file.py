"""Reads tables of every format as cells of text, in little more memory than the texts."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic_core import from_json

from stages.tables.delimited import TAB_SEPARATED, delimited_rows, readable
from stages.tables.faults import Faults

BATCH = 2**16  # rows that are Python objects at a time

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


@dataclass(frozen=True)
class Cells:
    """The ``names`` of all columns of a table, and the texts of the wanted ones; empty cells are "".

    ``numbers`` are row numbers, or line numbers in JSON; ``place`` says which.
    """

    names: list[str]
    texts: pa.Table
    numbers: Sequence[int]
    place: str

    def rows(self, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each row's place and cells; columns that the table lacks are empty."""
        there = set(self.texts.column_names)
        for first in range(0, len(self.numbers), BATCH):
            batch, numbers = self.texts.slice(first, BATCH), self.numbers[first : first + BATCH]
            columns = [
                batch[name].to_pylist() if name in there else repeat("", len(numbers)) for name in names
            ]
            for number, *row in zip(numbers, *columns, strict=True):
                yield f"{self.place} {number}", tuple(row)

    def check_seconds(self, name: str) -> None:
        """ValueError for a cell that is neither empty nor a finite number."""
        if name not in self.texts.column_names:
            return
        cells = pc.utf8_trim_whitespace(self.texts[name])
        is_number = pc.match_substring_regex(cells, NUMBER)
        values = pc.cast(pc.if_else(is_number, cells, "0"), pa.float64())
        is_wrong = pc.invert(pc.or_(pc.and_(is_number, pc.is_finite(values)), pc.equal(cells, "")))
        wrong = pc.indices_nonzero(is_wrong).to_pylist()
        if wrong:
            found = self.texts[name][wrong[0]].as_py()
            raise ValueError(
                f"{self.place} {self.numbers[wrong[0]]}, column {name!r}: expected a finite number of"
                f" seconds, found {found!r} ({len(wrong)} such in all); correct it or leave the cell empty"
            )


Read = Callable[[Path, Collection[str]], Cells]


def read_table(
    path: Path, wanted: Collection[str], advice: str = "put it there, or correct init_args.path"
) -> Cells:
    """The wanted columns as text. ValueError, with file and place, for a table that cannot be read;
    ``advice`` is what to do if it is missing.
    """
    readers: dict[str, Read] = {
        ".json": _read_json_lines,
        ".jsonl": _read_json_lines,
        ".ndjson": _read_json_lines,
        ".csv": _read_csv,
        ".tsv": _read_tsv,
        ".parquet": _read_parquet,
    }
    kind = path.suffix.lower()
    if kind not in readers:
        raise ValueError(
            f"{path}: unknown kind of table {path.suffix!r}, expected one of {', '.join(readers)}"
        )
    with readable(path, f"{path.suffix} table", advice):
        try:
            return readers[kind](path, wanted)
        except pa.ArrowException as error:
            raise ValueError(str(error)) from error


class _Texts:
    """Columns of text that grow by rows; all but the last rows are in Arrow."""

    def __init__(self, names: Sequence[str]) -> None:
        self.schema = pa.schema([(name, pa.large_string()) for name in names])
        self.rows: list[Sequence[str]] = []
        self.batches: list[pa.RecordBatch] = []

    def add(self, row: Sequence[str]) -> None:
        self.rows.append(row)
        if len(self.rows) == BATCH:
            self._pack()

    def _pack(self) -> None:
        columns = [pa.array(column, pa.large_string()) for column in zip(*self.rows, strict=True)]
        if columns:
            self.batches.append(pa.record_batch(columns, schema=self.schema))
        self.rows = []

    def cells(self, numbers: Sequence[int], place: str, names: Iterable[str]) -> Cells:
        """The added rows, which have these numbers."""
        self._pack()
        return Cells(list(names), pa.Table.from_batches(self.batches, self.schema), numbers, place)


def _read_json_lines(path: Path, wanted: Collection[str]) -> Cells:
    columns = sorted(set(wanted))
    texts, numbers, names = _Texts(columns), [], dict[str, None]()
    faults = Faults("lines")
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = _json_object(line)
                texts.add([_text(row.get(name), name) for name in columns])
            except ValueError as error:
                faults.add(f"line {number}, {error}")
                continue
            names.update(dict.fromkeys(row))
            numbers.append(number)
    faults.stop("correct or remove them")
    return texts.cells(numbers, "line", names)


def _text(cell: Any, name: str) -> str:
    if isinstance(cell, bool | list | dict):
        raise ValueError(f"column {name!r}: expected text, a number or null, found {str(cell)[:80]}")
    return "" if cell is None else str(cell)


def _json_object(line: str) -> dict[str, Any]:
    try:
        # json.loads accepts NaN and lone surrogates.
        row = from_json(line.strip(), allow_inf_nan=False)
    except ValueError as error:
        problem = str(error).replace("line 1 ", "")  # the parser sees this line only
        raise ValueError(f"{problem}, in {line.strip()[:80]}") from error
    if not isinstance(row, dict):
        raise ValueError(f"expected one object {{...}} per line, found {line.strip()[:80]}")
    return row


def _read_csv(path: Path, wanted: Collection[str]) -> Cells:
    return _read_delimited(path, wanted)


def _read_tsv(path: Path, wanted: Collection[str]) -> Cells:
    return _read_delimited(path, wanted, **TAB_SEPARATED)


def _read_delimited(path: Path, wanted: Collection[str], **dialect: Any) -> Cells:
    rows = delimited_rows(path, **dialect)
    header = next(rows)
    places = [place for place, name in enumerate(header) if name in wanted]
    texts, count = _Texts([header[place] for place in places]), 0
    for row in rows:
        texts.add([row[place] for place in places])
        count += 1
    return texts.cells(range(1, count + 1), "row", header)


def _read_parquet(path: Path, wanted: Collection[str]) -> Cells:
    names = pq.read_schema(path).names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two columns are called {twice[0]!r}")
    # Without partitioning=None a folder called split=train would become a column.
    table = pq.read_table(path, columns=[name for name in names if name in wanted], partitioning=None)
    texts = {}
    for name in table.column_names:
        try:
            texts[name] = table[name].cast(pa.large_string()).fill_null("")
        except pa.ArrowException as error:
            raise ValueError(
                f"column {name!r}: expected text or numbers, found {table[name].type}"
            ) from error
    numbers = range(1, len(table) + 1)
    return Cells(names, pa.table(texts), numbers, "row")
