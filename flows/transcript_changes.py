"""Which utterances of the test set a candidate recognizes better or worse than the champion."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

NUM_SHOWN = 12  # of either kind
FORMULA = ("=", "+", "-", "@")
COLUMNS = ["id", "before", "after", "reference", "champion", "candidate"]

Row = dict[str, Any]


def changes(champion: Path, candidate: Path, metric: str) -> list[Row]:
    """The utterances with different hypotheses in two hypotheses.parquet; the largest rise in errors first.

    ``before`` and ``after`` are numbers of errors.
    """
    edits = f"{metric}_edits"
    columns = ["id", "reference", "hypothesis", edits]
    old = {row["id"]: row for row in pq.read_table(champion, columns=columns).to_pylist()}
    new = pq.read_table(candidate, columns=columns).to_pylist()
    found = [
        {
            "id": row["id"], "before": old[row["id"]][edits], "after": row[edits],
            "reference": row["reference"],
            "champion": old[row["id"]]["hypothesis"], "candidate": row["hypothesis"],
        }
        for row in new
        if row["id"] in old and row["hypothesis"] != old[row["id"]]["hypothesis"]
    ]  # fmt: skip
    return sorted(found, key=lambda row: (row["before"] - row["after"], row["id"]))


def summary(changed: list[Row], num_utterances: int) -> dict[str, Any]:
    """Their numbers, and those with the largest changes."""
    worse = [row for row in changed if row["after"] > row["before"]]
    better = [row for row in changed if row["after"] < row["before"]]
    return {
        "better": len(better),
        "worse": len(worse),
        "same": num_utterances - len(better) - len(worse),
        "shown": [*worse[:NUM_SHOWN], *better[::-1][:NUM_SHOWN]],
    }


def write(changed: list[Row], path: Path) -> None:
    """Write all of them to a CSV file for spreadsheets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(_safe(changed))


def _safe(rows: list[Row]) -> Iterator[Row]:
    """Quote texts that a spreadsheet would take for a formula."""
    for row in rows:
        yield {
            name: f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
            for name, value in row.items()
        }
