"""Delimited text, a row at a time: what csv leaves unsaid, with the file and the place."""

import csv
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.tables.faults import Faults

TAB_SEPARATED: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}  # a quote is part of the text
# Characters: 291 a second of an hour; more is a quote that is not closed. By itself csv takes 36 a second.
MAX_CELL = 2**20


def delimited_rows(path: Path, **dialect: Any) -> Iterator[list[str]]:
    """The header, then the rows, each as long as the header; blank lines are left out.

    Errors do not name the file: see ``readable``. Of faulty rows ValueError, when all are read. With csv and
    not pandas, which says nothing of a row that is shorter than the header.
    """
    faults = Faults()
    csv.field_size_limit(MAX_CELL)  # of all readers: csv has no other way
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
    """The line on which every row begins that is not blank, and the row, or what is wrong with it."""
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
    """The cells of some columns, empty where an optional one (``name?``) is not there, row by row.

    ValueError, with file and place, where the file cannot be read or lacks a column; ``advice`` is what to do
    when there is no such file, and where a column is missing.
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
    """Errors of reading a text file become ValueErrors that name it, and say what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such {kind.split()[-1]}; {advice}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error}); save it as UTF-8") from error
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f"{path}: not a readable {kind}: {error}") from error
