"""Applies augmentations to a recording in turn, for the features stage and training."""

from collections.abc import Sequence

import numpy as np

from stages.augment.augmentation import Augmentation, Samples, check_samples


def augmented(
    augmentations: Sequence[Augmentation],
    samples: Samples,
    sample_rate: int,
    generator: np.random.Generator,
    utterance: str,
) -> Samples:
    """Samples (N,) after all augmentations in order.

    A result that exceeds [-1, 1] is scaled down entirely: clipping to the 16 bits of a cached copy would be
    another augmentation. ValueError, with augmentation and ``utterance``, if one fails or returns invalid
    samples.
    """
    for augmentation in augmentations:
        try:
            changed = augmentation.apply(samples, sample_rate, generator)
            check_samples(changed)
        except Exception as error:  # user code may raise anything
            raise ValueError(f"utterance {utterance}: {augmentation.name}: {error}") from error
        samples = np.ascontiguousarray(changed, np.float32)
    peak = float(np.abs(samples).max())
    return samples / np.float32(peak) if peak > 1 else samples
