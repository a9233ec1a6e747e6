"""Accuracies of chords, and of their types, roots and basses."""

from collections.abc import Collection, Sequence
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from stages.metrics.bootstrap import interval
from stages.metrics.chord_ceiling import ceilings, likenesses, shares_of_labels, shares_of_prior
from stages.metrics.metric import Metric, Pairs
from stages.schema.chords import CHORD_TYPES, Chord, distinct_types
from stages.schema.quantities import Fraction

Rank = Annotated[int, Ge(1), Le(5)]  # a task ranks five hypotheses
PARTS = Chord._fields
NUM_BOOTSTRAPS = 1000
ENOUGH_CHORDS = 3000  # for an estimated ceiling: with fewer, most chords sound unique by chance


class ChordAccuracy(Metric):
    """``chord_type_acc``, ``root_acc``, ``bass_note_acc``, and ``chord_acc`` for all three together, each
    with a bootstrap interval over chords; and ``PART_topK_acc`` for each K in ``top_k``: the reference is
    among the K best classes of its head (always, if the head has at most K classes).

    ``PART_acc_ceiling`` is the best accuracy for a listener who knows all pitch classes and the bass; some
    chords are inversions of each other (see chord_ceiling). If ``bass_is_root`` is set, the ceiling follows
    from the prior of a synthesised corpus: set ``bass_is_root`` and ``types`` as in the corpus. Otherwise it
    is estimated from the references, if there are at least 3000 and all pitch classes are known.
    """

    content = "chords"
    logged = ("chord_type_acc", "root_acc", "bass_note_acc", "chord_acc")

    def __init__(
        self,
        bass_is_root: Fraction | None = None,
        types: list[str] = list(CHORD_TYPES),  # noqa: B006 - never changed
        top_k: list[Rank] = [3],  # noqa: B006 - never changed
    ) -> None:
        self.bass_is_root = bass_is_root
        self.types = types
        self.top_k = top_k

    @staticmethod
    def check_arguments(
        bass_is_root: float | None = None, types: Sequence[str] = tuple(CHORD_TYPES), **_: object
    ) -> None:
        unknown = sorted(set(distinct_types(types)) - set(CHORD_TYPES))
        if bass_is_root is not None and unknown:
            raise ValueError(
                f"bass_is_root: cannot compute a ceiling: the pitch classes of {unknown} are unknown"
            )

    def compute(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, float]:
        chords, recognised = _parsed(references), _parsed(hypotheses)
        correct = {part: _num_correct(chords, recognised, part) for part in PARTS}
        correct["chord"] = sum(a == b for a, b in zip(chords, recognised, strict=True))
        found: dict[str, float] = {}
        for name, count in correct.items():
            low, high = _interval(count, len(chords))
            found |= {
                f"{name}_acc": count / len(chords),
                f"{name}_acc_ci_low": low,
                f"{name}_acc_ci_high": high,
            }
        return found | {f"{name}_acc_ceiling": value for name, value in self._ceilings(chords).items()}

    def compute_ranked(
        self, references: Sequence[str], alternatives: Sequence[Sequence[str]]
    ) -> dict[str, float]:
        chords, ranked = _parsed(references), [_parsed(texts) for texts in alternatives]
        found = {}
        for k in self.top_k:
            for part in PARTS:
                best = [{getattr(chord, part) for chord in chords[:k]} for chords in ranked]
                hits = sum(getattr(a, part) in names for a, names in zip(chords, best, strict=True))
                found[f"{part}_top{k}_acc"] = hits / len(chords)
        return found

    def pairs(self, references: Sequence[str], hypotheses: Sequence[str]) -> Pairs:
        both = list(zip(_parsed(references), _parsed(hypotheses), strict=True))
        return {part: [(getattr(a, part), getattr(b, part)) for a, b in both] for part in PARTS}

    def indistinguishable(self, kind: str, classes: Collection[str]) -> dict[str, str]:
        return likenesses(sorted(classes)) if kind == "chord_type" else {}

    def _ceilings(self, references: Sequence[Chord]) -> dict[str, float]:
        if self.bass_is_root is not None:
            return ceilings(shares_of_prior(self.types, self.bass_is_root))
        if len(references) >= ENOUGH_CHORDS and all(chord.chord_type in CHORD_TYPES for chord in references):
            return ceilings(shares_of_labels(references))
        return {}


def _parsed(texts: Sequence[str]) -> list[Chord]:
    return [Chord.parse(text) for text in texts]


def _num_correct(references: Sequence[Chord], hypotheses: Sequence[Chord], part: str) -> int:
    return sum(getattr(a, part) == getattr(b, part) for a, b in zip(references, hypotheses, strict=True))


def _interval(correct: int, total: int) -> tuple[float, float]:
    """Percentile bootstrap over chords: the sum of resampled ones and zeros is binomial."""
    drawn = np.random.default_rng(0).binomial(total, correct / total, NUM_BOOTSTRAPS) / total
    return interval(drawn)
