"""What was rejected, counted by reason while it is written."""

from collections import Counter, defaultdict

from stages.schema.manifest_row import RejectedRow

NUM_EXAMPLES = 3  # of each reason
MAX_REASONS = 200
OTHER = "other reasons"  # should a corpus give every utterance a reason of its own


class Rejections:
    """Counts, and the first few of each reason: flat in memory, should all of a million be rejected."""

    def __init__(self) -> None:
        self.reasons = Counter[str]()
        self.examples: dict[str, list[RejectedRow]] = defaultdict(list)
        self.first: list[RejectedRow] = []

    def add(self, row: RejectedRow) -> None:
        known = row.reason in self.reasons or len(self.reasons) < MAX_REASONS
        reason = row.reason if known else OTHER
        self.reasons[reason] += 1
        if len(self.examples[reason]) < NUM_EXAMPLES:
            self.examples[reason].append(row)
        if len(self.first) < NUM_EXAMPLES:
            self.first.append(row)

    def __len__(self) -> int:
        return self.reasons.total()
