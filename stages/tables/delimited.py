"""Reads delimited text row by row, with stricter checks than csv; errors name file and row."""

import csv
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.tables.faults import Faults

TAB_SEPARATED: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}  # a quote is part of the text
# Characters: 291 per second of an hour; more is an unclosed quote. The default of csv is 36 per second.
MAX_CELL = 2**20


def delimited_rows(path: Path, **dialect: Any) -> Iterator[list[str]]:
    """The header, then the rows, each as long as the header; blank lines are skipped.

    Errors do not name the file: see ``readable``. Faulty rows raise a ValueError after the last row. Uses
    csv, as pandas accepts rows shorter than the header.
    """
    faults = Faults()
    csv.field_size_limit(MAX_CELL)  # global: csv has no limit per reader
    with path.open(encoding="utf-8-sig", newline="") as stream:
        filled = _filled(csv.reader(stream, strict=True, **dialect))
        line, header = next(filled, (0, []))
        if isinstance(header, str):
            raise ValueError(f"line {line}, the header: {header}")
        if not header:
            raise ValueError("No columns in the file")
        if twice := sorted({name for name in header if header.count(name) > 1}):
            raise ValueError(f"two columns are called {twice[0]!r}")
        yield header
        for number, (line, row) in enumerate(filled, 1):
            if isinstance(row, str):
                faults.add(f"row {number} (line {line}): {row}")
            elif len(row) != len(header):
                place = f"row {number} has {len(row)} cells, the header {len(header)} (line {line})"
                faults.add(f"{place}: {str(row[:3])[:80]}")
            else:
                yield row
    faults.stop("give every row as many cells as the header has, and close every quote")


def _filled(reader: Any) -> Iterator[tuple[int, list[str] | str]]:
    """For each row that is not blank, its first line, and the row or its error."""
    row: list[str] | str | None = []
    while row is not None:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            row = str(error)
            if reader.line_num > line or "end of data" in row:
                row = f"a quote is never closed ({row} on line {reader.line_num})"
        if row:
            yield line, row


def delimited_columns(
    path: Path, names: Collection[str], advice: str, **dialect: Any
) -> Iterator[tuple[str, ...]]:
    """The cells of some columns, row by row; empty for an optional column (``name?``) that is missing.

    ValueError, with file and place, if the file cannot be read or lacks a column; ``advice`` is what to do
    about a missing file or column.
    """
    with readable(path, f"{path.suffix} table", advice):
        rows = delimited_rows(path, **dialect)
        header = next(rows)
        places = [header.index(name) if (name := key.rstrip("?")) in header else -1 for key in names]
        for key, place in zip(names, places, strict=True):
            if place < 0 and not key.endswith("?"):
                found = ", ".join(map(repr, header))
                raise ValueError(
                    f"no column {key!r}, found {found}; rename the one that holds it, or {advice}"
                )
        for row in rows:
            yield tuple(row[place] if place >= 0 else "" for place in places)


@contextmanager
def readable(path: Path, kind: str, advice: str) -> Iterator[None]:
    """Turn errors of reading a text file into ValueErrors that name it and say what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such {kind.split()[-1]}; {advice}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error}); save it as UTF-8") from error
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f"{path}: not a readable {kind}: {error}") from error
