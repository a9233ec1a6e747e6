"""Examples of something found in a corpus, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.listing.admissions import Admissions

NUM_EXAMPLES = 10


@dataclass(frozen=True)
class Example:
    """An utterance that shows something; ``detail`` says it in numbers."""

    id: str
    split: str
    detail: str
    text: str


@dataclass(frozen=True)
class Listing:
    """The first of ``total``; ``note`` is one more thing to say of them all."""

    total: int
    examples: list[Example]
    note: str = ""


def listing(
    admissions: Admissions,
    rows: Sequence[int] | np.ndarray[Any, Any],
    details: Sequence[str] = (),
    note: str = "",
) -> Listing:
    """Of rows of the admissions, and what to say of the first of them."""
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
