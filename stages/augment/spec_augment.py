"""SpecAugment (Park et al. 2019, https://arxiv.org/abs/1904.08779), without time warping."""

import numpy as np

from stages.augment.augmentation import Augmentation, Values
from stages.schema.quantities import Fraction, NonNegativeInt


class SpecAugment(Augmentation):
    """Masks bands and stretches of time with the utterance's mean, 0 for normalised features.

    Each mask is between 0 and its maximum wide; a time mask is also at most
    ``max_time_fraction`` of the utterance.
    """

    def __init__(
        self,
        num_frequency_masks: NonNegativeInt = 2,
        max_frequency_bands: NonNegativeInt = 27,
        num_time_masks: NonNegativeInt = 5,
        max_time_frames: NonNegativeInt = 40,
        max_time_fraction: Fraction = 0.05,
    ) -> None:
        self.num_frequency_masks = num_frequency_masks
        self.max_frequency_bands = max_frequency_bands
        self.num_time_masks = num_time_masks
        self.max_time_frames = max_time_frames
        self.max_time_fraction = max_time_fraction

    def apply(self, values: Values, generator: np.random.Generator) -> Values:
        masked, mean = values.copy(), values.mean()
        frames, bands = values.shape
        longest = min(self.max_time_frames, int(self.max_time_fraction * frames))
        for _ in range(self.num_frequency_masks):
            start, end = _span(bands, min(self.max_frequency_bands, bands), generator)
            masked[:, start:end] = mean
        for _ in range(self.num_time_masks):
            start, end = _span(frames, longest, generator)
            masked[start:end] = mean
        return masked


def _span(size: int, longest: int, generator: np.random.Generator) -> tuple[int, int]:
    width = int(generator.integers(0, longest + 1))
    start = int(generator.integers(0, size - width + 1))
    return start, start + width
