"""How new training data differs from the old, in figures: for the gate and for the record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flows.incoming import MIN_ROWS, Floats, durations, ks_distance, rates, unseen
from stages.schema.manifest_row import ManifestRow

UNKNOWN = "(unknown)"
MAX_BARS = 24


@dataclass(frozen=True)
class Bars:
    """Fractions of the old and of the new data, by name."""

    title: str
    old: dict[str, float]
    new: dict[str, float]


@dataclass(frozen=True)
class Drift:
    """The old training utterances and the new ones."""

    old: Sequence[ManifestRow]
    new: Sequence[ManifestRow]

    def distances(self) -> dict[str, float]:
        """From 0 (the same) to 1; empty if there are too few utterances."""
        if min(len(self.old), len(self.new)) < MIN_ROWS:
            return {}
        known = {row.speaker for row in self.old}
        return {
            "duration": ks_distance(*self.durations()),
            "characters per second": ks_distance(*self.rates()),
            "characters": total_variation(*self._characters()),
            "new speakers": sum(row.speaker not in known for row in self.new) / len(self.new),
        }

    def durations(self) -> tuple[Floats, Floats]:
        return durations(self.old), durations(self.new)

    def rates(self) -> tuple[Floats, Floats]:
        return rates(self.old), rates(self.new)

    def characters(self) -> Bars:
        return _bars("characters", *self._characters())

    def speakers(self) -> Bars:
        old, new = (Counter(row.speaker or UNKNOWN for row in rows) for rows in (self.old, self.new))
        return _bars("speakers", old, new)

    def _characters(self) -> tuple[Counter[str], Counter[str]]:
        old, new = (Counter("".join(row.text for row in rows)) for rows in (self.old, self.new))
        return old, new


def drift(before: Sequence[ManifestRow], now: Sequence[ManifestRow]) -> Drift:
    return Drift(before, unseen(before, now))


def total_variation(old: Counter[str], new: Counter[str]) -> float:
    """Half the sum of the differences of the fractions: 0 for the same distribution, 1 for disjoint ones."""
    totals = [max(counts.total(), 1) for counts in (old, new)]
    return sum(abs(old[key] / totals[0] - new[key] / totals[1]) for key in old | new) / 2


def _bars(title: str, old: Counter[str], new: Counter[str]) -> Bars:
    """The most frequent names in either; the rest is left out."""
    shares = [{key: count / counts.total() for key, count in counts.items()} for counts in (old, new)]
    most = sorted(old | new, key=lambda key: -max(share.get(key, 0.0) for share in shares))[:MAX_BARS]
    before, after = ({key: share.get(key, 0.0) for key in most} for share in shares)
    return Bars(title, before, after)
