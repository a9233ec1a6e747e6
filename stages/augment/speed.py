"""Speed perturbation (Ko et al. 2015, Audio augmentation for speech recognition)."""

from typing import Annotated

import numpy as np
import soxr
from annotated_types import Ge, Le

from stages.augment.augmentation import Augmentation, Samples

SpeedFactor = Annotated[float, Ge(0.1), Le(10)]


class Speed(Augmentation):
    """Play faster (factor above 1) or slower: tempo and pitch change together, N becomes N / factor."""

    def __init__(self, factor: SpeedFactor = 1.1) -> None:
        self.factor = factor

    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        changed: Samples = soxr.resample(samples, sample_rate, sample_rate / self.factor)
        return changed
