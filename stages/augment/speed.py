"""Speed perturbation (Ko et al. 2015, Audio augmentation for speech recognition)."""

import soxr

from stages.augment.copy import Copy, Samples
from stages.schema.quantities import PositiveFloat


class Speed(Copy):
    """Play faster (factor above 1) or slower: tempo and pitch change together, N becomes N / factor."""

    def __init__(self, factor: PositiveFloat = 1.1) -> None:
        self.factor = factor

    def apply(self, samples: Samples, sample_rate: int) -> Samples:
        changed: Samples = soxr.resample(samples, sample_rate, sample_rate / self.factor)
        return changed
