"""Confidence intervals against the distribution of a bootstrap.

If k of n utterances are wrong, the number of wrong ones in a resample is binomial, with n draws and
probability k / n. Its percentiles are sums of fractions.
"""

from fractions import Fraction
from math import comb

import pytest
from family import classes_of

from stages.metrics.chord_accuracy import ChordAccuracy
from stages.metrics.error_rate import ErrorRate
from stages.metrics.word_error_rate import WordErrorRate

LOW, HIGH = Fraction(25, 1000), Fraction(975, 1000)  # 95 % are between them


def percentile(share: Fraction, wrong: int, total: int) -> int:
    """Return the number of wrong ones that this fraction of all resamples does not exceed."""
    below = Fraction(0)
    for count in range(total + 1):
        ways = comb(total, count) * wrong**count * (total - wrong) ** (total - count)
        below += Fraction(ways, total**total)
        if below >= share:
            return count
    raise AssertionError("probabilities sum to 1")


def test_percentiles_by_hand() -> None:
    # 1 of 2 utterances is wrong: a resample has 0, 1 and 2 wrong ones in 1/4, 1/2 and 1/4 of the cases
    found = [percentile(Fraction(share, 100), 1, 2) for share in (1, 25, 26, 75, 76)]
    assert found == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("cls", classes_of(ErrorRate), ids=lambda cls: cls.__name__)
@pytest.mark.parametrize(("wrong", "total"), [(8, 16), (6, 18), (6, 12)])
def test_the_interval_of_an_error_rate_holds_95_of_100_resamples(
    cls: type[ErrorRate], wrong: int, total: int
) -> None:
    metric = cls(num_bootstraps=4000)
    found = metric.compute(["a"] * total, ["b"] * wrong + ["a"] * (total - wrong))
    assert found[f"{metric.name}_ci_low"] == percentile(LOW, wrong, total) / total
    assert found[f"{metric.name}_ci_high"] == percentile(HIGH, wrong, total) / total


def test_utterances_are_drawn_with_their_own_lengths() -> None:
    # in a resample, wrong utterances have one word, and the others three
    found = WordErrorRate(num_bootstraps=4000).compute(["a"] * 8 + ["a b c"] * 8, ["b"] * 8 + ["a b c"] * 8)
    low, high = percentile(LOW, 8, 16), percentile(HIGH, 8, 16)
    assert found["wer_ci_low"] == low / (low + 3 * (16 - low))
    assert found["wer_ci_high"] == high / (high + 3 * (16 - high))


def test_other_seeds_draw_other_resamples() -> None:
    def low(seed: int) -> float:
        words = ["a"] * 16
        return WordErrorRate(num_bootstraps=5, seed=seed).compute(words, ["b"] * 8 + ["a"] * 8)["wer_ci_low"]

    assert len({low(seed) for seed in range(8)}) > 1


@pytest.mark.parametrize("total", [12, 16])
def test_the_interval_of_a_chord_accuracy_holds_95_of_100_resamples(total: int) -> None:
    reference, other, half = "C:major/C", "D:minor/D", total // 2
    found = ChordAccuracy().compute([reference] * total, [reference] * half + [other] * half)
    for name in ("chord", "chord_type", "root", "bass_note"):
        assert found[f"{name}_acc_ci_low"] == percentile(LOW, half, total) / total
        assert found[f"{name}_acc_ci_high"] == percentile(HIGH, half, total) / total


def test_a_resample_without_a_reference_word_counts_its_insertions_as_if_there_were_one() -> None:
    # a quarter of the resamples has the empty reference twice: 2 insertions, no reference words
    found = WordErrorRate().compute(["", "a"], ["x", "a"])
    assert (found["wer_ci_low"], found["wer"], found["wer_ci_high"]) == (0.0, 1 / 1, 2.0)


def test_the_interval_is_of_a_thousand_resamples_unless_others_are_asked_for() -> None:
    metric = WordErrorRate()
    assert (metric.num_bootstraps, metric.seed) == (1000, 0)
