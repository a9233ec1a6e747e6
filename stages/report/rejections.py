"""What was rejected, counted by reason while it is written."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from stages.listing.admission import LEFT_OUT, Rejected
from stages.schema.manifest_row import RejectedRow

NUM_EXAMPLES = 3  # of each reason
NUM_SAID = 8
MAX_REASONS = 200
OTHER = "other reasons"  # should a corpus give every utterance a reason of its own


class Rejections:
    """Counts, and the first few of each reason: flat in memory, should all of a million be rejected.
    ``num_left_out`` are those that the user wants left out; ``by_split`` are the reasons of the utterances of
    each split, of None for other splits than the manifest's.
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
        """The most frequent reasons with their counts, for people."""
        reasons = [f"{count} x {reason}" for reason, count in self.reasons.most_common(NUM_SAID)]
        rest = len(self.reasons) - len(reasons)
        return [*reasons, f"{rest} more reasons"] if rest else reasons

    def __len__(self) -> int:
        return self.reasons.total()
