"""The percentile bootstrap over utterances (Bisani and Ney 2004).

N utterances, B resamples.
"""

from typing import Any

import numpy as np

CONFIDENCE = 0.95

Values = np.ndarray[Any, np.dtype[Any]]


def resampled_rates(
    errors: Values, lengths: Values, num_bootstraps: int, generator: np.random.Generator
) -> Values:
    """The corpus rate of every resample: errors (N,) and reference lengths (N,) to (B,)."""
    rates = np.empty(num_bootstraps)
    for number in range(num_bootstraps):
        drawn = generator.integers(0, len(errors), len(errors))
        rates[number] = errors[drawn].sum() / max(lengths[drawn].sum(), 1)
    return rates


def interval(resampled: Values) -> tuple[float, float]:
    """The ends between which 95 % of the values of all resamples lie."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)
