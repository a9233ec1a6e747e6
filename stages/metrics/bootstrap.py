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
    """Return the corpus rate of each resample: errors (N,) and reference lengths (N,) to (B,)."""
    rates = np.empty(num_bootstraps)
    for number in range(num_bootstraps):
        drawn = generator.integers(0, len(errors), len(errors))
        rates[number] = errors[drawn].sum() / max(lengths[drawn].sum(), 1)
    return rates


def interval(resampled: Values) -> tuple[float, float]:
    """Return the bounds that contain 95 % of the resampled values."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)
