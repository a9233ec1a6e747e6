"""Counts rejected utterances by reason while they are written."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from stages.listing.admission import LEFT_OUT, Rejected
from stages.schema.manifest_row import RejectedRow

NUM_EXAMPLES = 3  # of each reason
NUM_SAID = 8
MAX_REASONS = 200
OTHER = "other reasons"  # if a corpus gives every utterance its own reason


class Rejections:
    """Counts, and the first few of each reason, in constant memory. ``num_left_out`` counts those that the
    user left out; ``by_split`` has the reasons for each split, and for None those of unknown splits.
    """

    def __init__(self, splits: Sequence[str]) -> None:
        self.by_split: dict[str | None, Counter[str]] = {split: Counter() for split in (*splits, None)}
        self.reasons = Counter[str]()
        self.examples: dict[str, list[RejectedRow]] = defaultdict(list)
        self.first: list[RejectedRow] = []
        self.num_left_out = 0

    def add(self, rejected: Rejected) -> None:
        row = rejected.row
        self.num_left_out += row.reason == LEFT_OUT
        known = row.reason in self.reasons or len(self.reasons) < MAX_REASONS
        reason = row.reason if known else OTHER
        self.reasons[reason] += 1
        self.by_split[rejected.split if rejected.split in self.by_split else None][reason] += 1
        if len(self.examples[reason]) < NUM_EXAMPLES:
            self.examples[reason].append(row)
        if len(self.first) < NUM_EXAMPLES:
            self.first.append(row)

    def said(self) -> list[str]:
        """The most frequent reasons with their counts, for messages."""
        reasons = [f"{count} x {reason}" for reason, count in self.reasons.most_common(NUM_SAID)]
        rest = len(self.reasons) - len(reasons)
        return [*reasons, f"{rest} more reasons"] if rest else reasons

    def __len__(self) -> int:
        return self.reasons.total()
