"""Histograms of the report: every value is in a bin, every axis has numbers."""

import numpy as np
import pytest

from stages.pages.histogram import histogram


def test_a_histogram_loses_no_value() -> None:
    values = np.random.default_rng(0).lognormal(size=1000)
    found = histogram("Durations", "seconds", {"train": values, "test": np.zeros(0)})
    assert (found.counts["train"].sum(), found.counts["test"].sum()) == (1000, 0)
    assert histogram("x", "s", {"train": np.full(3, 2.0)}).counts["train"].sum() == 3
    (row,) = histogram("x", "s", {"train": np.zeros(0)}).rows()
    assert (row.bars, row.median, row.label) == ([], None, "none")


def test_bars_stand_on_their_row_and_the_fullest_bin_fills_it() -> None:
    values = {"train": np.array([1.0, 1.0, 1.0, 2.0]), "test": np.array([2.0])}
    train, test = histogram("Durations", "seconds", values).rows()
    assert [bar.y + bar.height for bar in (*train.bars, *test.bars)] == [78, 78, 152]
    assert [bar.height for bar in (*train.bars, *test.bars)] == [54, 18, 54]
    assert [bar.label for bar in train.bars] == ["1.00 to 1.02 seconds: 3", "1.96 to 2.00 seconds: 1"]
    assert (train.median, train.label) == (2.0, "median 1.00")


@pytest.mark.parametrize(
    ("low", "high"), [(2.2, 4.8), (6.0, 6.1), (0.026, 0.03), (1e-3, 1.5e-3), (0.2, 30.0)]
)
def test_an_axis_has_at_least_two_numbers(low: float, high: float) -> None:
    drawn = histogram("Durations", "seconds", {"train": np.linspace(low, high, 9)})
    assert len([*drawn.ticks()]) >= 2
