"""Examples of a finding in a corpus, and their number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.listing.admissions import Admissions

NUM_EXAMPLES = 10


@dataclass(frozen=True)
class Example:
    """An utterance with the finding; ``detail`` gives figures."""

    id: str
    split: str
    detail: str
    text: str


@dataclass(frozen=True)
class Listing:
    """The first of ``total``; ``note`` is a remark on all of them."""

    total: int
    examples: list[Example]
    note: str = ""


def listing(
    admissions: Admissions,
    rows: Sequence[int] | np.ndarray[Any, Any],
    details: Sequence[str] = (),
    note: str = "",
) -> Listing:
    """Of rows of the admissions, with details of the first ones."""
    first = [int(row) for row in rows[:NUM_EXAMPLES]]
    examples = [
        Example(
            admissions.id(row),
            admissions.splits[admissions.split[row]],
            details[number] if number < len(details) else "",
            admissions.text(row),
        )
        for number, row in enumerate(first)
    ]
    return Listing(len(rows), examples, note)
