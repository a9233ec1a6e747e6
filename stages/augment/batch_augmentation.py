"""The interface of augmentations of features, and how a list of them is applied to a batch.

B batch, T frames, F features.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor


class BatchAugmentation(ABC):
    """A random change of the features of training batches, on the device, never in validation.

    It follows the frontend, whether that is cached or on the device. Drawing and applying are separate:
    the change of an utterance is drawn on the CPU from its own generator, so that neither other utterances
    nor the numbers of workers and devices matter.
    """

    domain: ClassVar[Literal["waveform", "features"]] = "features"

    @abstractmethod
    def draw(self, num_frames: int, num_features: int, generator: np.random.Generator) -> Any:
        """Draw the change of one utterance of ``num_frames``."""

    @abstractmethod
    def apply(self, features: Tensor, lengths: Tensor, drawn: Sequence[Any]) -> Tensor:
        """Features (B, T, F) with the change drawn for each; padding neither counts nor changes."""


def augmented_batch(
    augmentations: Sequence[BatchAugmentation],
    features: Tensor,
    lengths: Tensor,
    seeds: Sequence[Sequence[int]],
) -> Tensor:
    """Features (B, T, F) after all augmentations in order; ``seeds`` has those of each utterance."""
    generators = [np.random.default_rng(seed) for seed in seeds]
    counts = lengths.tolist()
    for augmentation in augmentations:
        drawn = [
            augmentation.draw(count, features.shape[2], generator)
            for count, generator in zip(counts, generators, strict=True)
        ]
        features = augmentation.apply(features, lengths, drawn)
    return features
