"""Delimited text, a row at a time: what csv leaves unsaid, with the file and the place."""

import csv
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TAB_SEPARATED: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}  # a quote is part of the text


def delimited_rows(path: Path, **dialect: Any) -> Iterator[list[str]]:
    """The header, then the rows, each as long as the header; blank lines are left out.

    Errors do not name the file: see ``readable``. With csv and not pandas, which says nothing of a row that
    is shorter than the header.
    """
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True, **dialect)
        filled = (row for row in reader if row)
        header = next(filled, None)
        if header is None:
            raise ValueError("No columns in the file")
        if twice := sorted({name for name in header if header.count(name) > 1}):
            raise ValueError(f"two columns are called {twice[0]!r}")
        yield header
        for number, row in enumerate(filled, 1):
            if len(row) != len(header):
                place = (
                    f"row {number} has {len(row)} cells, the header {len(header)} (line {reader.line_num})"
                )
                raise ValueError(f"{place}: {row[:3]}")
            yield row


def delimited_columns(
    path: Path, names: Collection[str], advice: str, **dialect: Any
) -> Iterator[tuple[str, ...]]:
    """The cells of some columns, empty where an optional one (``name?``) is not there, row by row.

    ValueError, with file and place, where the file cannot be read or lacks a column; ``advice`` is what to do
    when there is no such file.
    """
    with readable(path, f"{path.suffix} table", advice):
        rows = delimited_rows(path, **dialect)
        header = next(rows)
        places = [header.index(name) if (name := key.rstrip("?")) in header else -1 for key in names]
        for key, place in zip(names, places, strict=True):
            if place < 0 and not key.endswith("?"):
                raise ValueError(f"no column {key!r}, found {', '.join(map(repr, header))}")
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
