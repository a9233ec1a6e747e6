"""Files of tables, in every format, as cells of text; they take the memory of their texts and little more."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import from_json

from stages.tables.delimited import TAB_SEPARATED, delimited_rows, readable
from stages.tables.faults import Faults

BATCH = 2**16  # rows that are Python objects at a time

Read = Callable[[Path, Collection[str]], pd.DataFrame]


def read_table(
    path: Path, wanted: Collection[str], advice: str = "put it there, or correct init_args.path"
) -> pd.DataFrame:
    """All columns, the wanted ones as text with empty cells as "", the others empty.

    The index is the number of the row, or of the line in JSON, and has that name. ValueError, with file and
    place, for a table that cannot be read; ``advice`` is what to do when it is not there.
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
    """Columns of text that grow by rows: Arrow's, but for the last rows."""

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

    def frame(self, numbers: Sequence[int], place: str, names: Iterable[str]) -> pd.DataFrame:
        """The cells under these row numbers; of the other names an empty column."""
        self._pack()
        cells = pa.Table.from_batches(self.batches, self.schema).to_pandas()
        return cells.set_axis(pd.Index(numbers, name=place)).reindex(columns=list(names))


def _read_json_lines(path: Path, wanted: Collection[str]) -> pd.DataFrame:
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
    faults.stop("correct them, or remove them")
    return texts.frame(numbers, "line", names)


def _text(cell: Any, name: str) -> str:
    if isinstance(cell, bool | list | dict):
        raise ValueError(f"column {name!r}: expected text, a number or null, found {str(cell)[:80]}")
    return "" if cell is None else str(cell)


def _json_object(line: str) -> dict[str, Any]:
    try:
        # Not json.loads: it lets NaN and halves of characters through.
        row = from_json(line.strip(), allow_inf_nan=False)
    except ValueError as error:
        problem = str(error).replace("line 1 ", "")  # the parser knows of this line only
        raise ValueError(f"{problem}, in {line.strip()[:80]}") from error
    if not isinstance(row, dict):
        raise ValueError(f"expected one object {{...}} a line, found {line.strip()[:80]}")
    return row


def _read_csv(path: Path, wanted: Collection[str]) -> pd.DataFrame:
    return _read_delimited(path, wanted)


def _read_tsv(path: Path, wanted: Collection[str]) -> pd.DataFrame:
    return _read_delimited(path, wanted, **TAB_SEPARATED)


def _read_delimited(path: Path, wanted: Collection[str], **dialect: Any) -> pd.DataFrame:
    rows = delimited_rows(path, **dialect)
    header = next(rows)
    places = [place for place, name in enumerate(header) if name in wanted]
    texts, count = _Texts([header[place] for place in places]), 0
    for row in rows:
        texts.add([row[place] for place in places])
        count += 1
    return texts.frame(range(1, count + 1), "row", header)


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
    index = pd.RangeIndex(1, len(table) + 1, name="row")
    return pd.DataFrame(texts).set_axis(index).reindex(columns=names)
