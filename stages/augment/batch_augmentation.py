"""What an augmentation of features answers, and how a list of them is applied to a batch.

B batch, T frames, F features.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor


class BatchAugmentation(ABC):
    """A random change of the features of training batches, on the device, never in validation.

    It follows the frontend, be that in the cache or on the device. Drawing stands apart from applying: what
    happens to an utterance is drawn on the CPU from its own generator, so that neither its neighbours nor
    the numbers of workers and devices matter.
    """

    domain: ClassVar[Literal["waveform", "features"]] = "features"

    @abstractmethod
    def draw(self, num_frames: int, num_features: int, generator: np.random.Generator) -> Any:
        """What is to happen to one utterance of so many frames."""

    @abstractmethod
    def apply(self, features: Tensor, lengths: Tensor, drawn: Sequence[Any]) -> Tensor:
        """Features (B, T, F) as drawn for each of them; padding neither counts nor changes."""


def augmented_batch(
    augmentations: Sequence[BatchAugmentation],
    features: Tensor,
    lengths: Tensor,
    seeds: Sequence[Sequence[int]],
) -> Tensor:
    """Features (B, T, F) after all augmentations in their order; ``seeds`` has each utterance's own."""
    generators = [np.random.default_rng(seed) for seed in seeds]
    counts = lengths.tolist()
    for augmentation in augmentations:
        drawn = [
            augmentation.draw(count, features.shape[2], generator)
            for count, generator in zip(counts, generators, strict=True)
        ]
        features = augmentation.apply(features, lengths, drawn)
    return features
