"""SpecAugment (Park et al. 2019, https://arxiv.org/abs/1904.08779), without time warping.

B batch, T frames, F features.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from stages.augment.batch_augmentation import BatchAugmentation
from stages.padding.mask import frame_mask
from stages.schema.quantities import Fraction, NonNegativeInt

Span = tuple[int, int]  # start, end (exclusive)
Spans = tuple[list[Span], list[Span]]  # of bands and of frames


class SpecAugment(BatchAugmentation):
    """Masks bands and spans of time with the utterance's mean, which is 0 for normalised features.

    The width of a mask is between 0 and its maximum; a time mask is also at most ``max_time_fraction`` of
    the utterance. A fraction ``rate`` of all utterances is masked. ``policy`` replaces the numbers of masks:
    1 is one of each kind, 2 is two of each, 3 is either with equal probability.
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
            raise ValueError(
                "policy sets the numbers of masks: remove num_frequency_masks and num_time_masks"
            )

    def draw(self, num_frames: int, num_features: int, generator: np.random.Generator) -> Spans:
        """The masked spans of bands, then those of frames."""
        if self.rate < 1 and generator.random() >= self.rate:
            return [], []
        num_frequency_masks, num_time_masks = self._draw_numbers(generator)
        widest = min(self.max_frequency_bands, num_features)
        longest = min(self.max_time_frames, int(self.max_time_fraction * num_frames))
        bands = [_draw_span(num_features, widest, generator) for _ in range(num_frequency_masks)]
        frames = [_draw_span(num_frames, longest, generator) for _ in range(num_time_masks)]
        return bands, frames

    def apply(self, features: Tensor, lengths: Tensor, drawn: Sequence[Spans]) -> Tensor:
        _, num_frames, num_features = features.shape
        bands = _mask([spans for spans, _ in drawn], num_features).to(features.device)
        frames = _mask([spans for _, spans in drawn], num_frames).to(features.device)
        inside = frame_mask(lengths, num_frames)[:, :, None]  # (B, T, 1)
        total = torch.where(inside, features, 0).sum((1, 2), dtype=torch.float32)
        means = (total / (lengths * num_features)).to(features.dtype)
        masked = (bands[:, None, :] | frames[:, :, None]) & inside  # (B, T, F)
        return torch.where(masked, means[:, None, None], features)

    def _draw_numbers(self, generator: np.random.Generator) -> tuple[int, int]:
        if self.policy is None:
            return self.num_masks
        number = int(generator.integers(1, 3)) if self.policy == 3 else self.policy
        return number, number


def _draw_span(size: int, longest: int, generator: np.random.Generator) -> Span:
    width = int(generator.integers(0, longest + 1))
    start = int(generator.integers(0, size - width + 1))
    return start, start + width


def _mask(spans: Sequence[Sequence[Span]], size: int) -> Tensor:
    """True within the spans of each utterance: (B, size)."""
    mask = np.zeros((len(spans), size), bool)
    for row, of_utterance in zip(mask, spans, strict=True):
        for start, end in of_utterance:
            row[start:end] = True
    return torch.from_numpy(mask)
