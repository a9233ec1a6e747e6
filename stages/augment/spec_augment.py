"""SpecAugment (Park et al. 2019, https://arxiv.org/abs/1904.08779), without time warping."""

from typing import Literal

import numpy as np

from stages.augment.augmentation import Augmentation, Values
from stages.schema.quantities import Fraction, NonNegativeInt


class SpecAugment(Augmentation):
    """Masks bands and stretches of time with the utterance's mean, 0 for normalised features.

    Each mask is between 0 and its maximum wide; a time mask is also at most
    ``max_time_fraction`` of the utterance. Of all utterances a share of ``rate`` is masked. In place of the
    numbers of masks, ``policy`` 1 is one of each kind, 2 is two of each, and 3 is 1 or 2, by a coin.
    """

    def __init__(
        self,
        num_frequency_masks: NonNegativeInt = 2,
        max_frequency_bands: NonNegativeInt = 27,
        num_time_masks: NonNegativeInt = 5,
        max_time_frames: NonNegativeInt = 40,
        max_time_fraction: Fraction = 0.05,
        rate: Fraction = 1.0,
        policy: Literal[1, 2, 3] | None = None,
    ) -> None:
        self.num_masks = (num_frequency_masks, num_time_masks)
        self.max_frequency_bands = max_frequency_bands
        self.max_time_frames = max_time_frames
        self.max_time_fraction = max_time_fraction
        self.rate = rate
        self.policy = policy

    @staticmethod
    def check_arguments(
        policy: int | None = None,
        num_frequency_masks: int | None = None,
        num_time_masks: int | None = None,
        **_: object,
    ) -> None:
        if policy is not None and (num_frequency_masks, num_time_masks) != (None, None):
            raise ValueError("policy says how many masks: leave out num_frequency_masks and num_time_masks")

    def apply(self, values: Values, generator: np.random.Generator) -> Values:
        if self.rate < 1 and generator.random() >= self.rate:
            return values
        num_frequency_masks, num_time_masks = self._draw_numbers(generator)
        masked, mean = values.copy(), values.mean()
        frames, bands = values.shape
        longest = min(self.max_time_frames, int(self.max_time_fraction * frames))
        for _ in range(num_frequency_masks):
            start, end = _span(bands, min(self.max_frequency_bands, bands), generator)
            masked[:, start:end] = mean
        for _ in range(num_time_masks):
            start, end = _span(frames, longest, generator)
            masked[start:end] = mean
        return masked

    def _draw_numbers(self, generator: np.random.Generator) -> tuple[int, int]:
        if self.policy is None:
            return self.num_masks
        number = int(generator.integers(1, 3)) if self.policy == 3 else self.policy
        return number, number


def _span(size: int, longest: int, generator: np.random.Generator) -> tuple[int, int]:
    width = int(generator.integers(0, longest + 1))
    start = int(generator.integers(0, size - width + 1))
    return start, start + width
