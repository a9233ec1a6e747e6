"""Histograms of the report: every value is in a bin, every axis has numbers."""

import numpy as np
import pytest

from stages.pages.histogram import histogram


def test_a_histogram_loses_no_value() -> None:
    values = np.random.default_rng(0).lognormal(size=1000)
    found = histogram("Durations", "seconds", {"train": values, "test": np.zeros(0)})
    assert (found.counts["train"].sum(), found.counts["test"].sum()) == (1000, 0)
    assert histogram("x", "s", {"train": np.full(3, 2.0)}).counts["train"].sum() == 3
    assert histogram("x", "s", {"train": np.zeros(0)}).svg().startswith("<svg")


@pytest.mark.parametrize(
    ("low", "high"), [(2.2, 4.8), (6.0, 6.1), (0.026, 0.03), (1e-3, 1.5e-3), (0.2, 30.0)]
)
def test_an_axis_has_at_least_two_numbers(low: float, high: float) -> None:
    svg = histogram("Durations", "seconds", {"train": np.linspace(low, high, 9)}).svg()
    assert svg.count('class="value"') >= 2
