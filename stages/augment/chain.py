"""Augmentations of one recording after another, as the features stage and training apply them."""

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
    """Samples (N,) after all of them in their order.

    What then exceeds [-1, 1] is turned down as a whole: clipping, by the 16 bits of a cached copy, would be
    another augmentation. ValueError with augmentation and ``utterance`` where one fails, or gives nothing or
    no numbers.
    """
    for augmentation in augmentations:
        try:
            changed = augmentation.apply(samples, sample_rate, generator)
            check_samples(changed)
        except Exception as error:  # augmentations may be anybody's
            raise ValueError(f"utterance {utterance}: {augmentation.name}: {error}") from error
        samples = np.ascontiguousarray(changed, np.float32)
    peak = float(np.abs(samples).max())
    return samples / np.float32(peak) if peak > 1 else samples
