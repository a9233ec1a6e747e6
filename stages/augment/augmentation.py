"""The interface of augmentations of recordings."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np

Samples = np.ndarray[Any, np.dtype[np.float32]]


class Augmentation(ABC):
    """A change of a complete recording of the training split, never of validation or test.

    In ``features.copies`` the features stage applies it once; in ``train.augment`` training applies it in
    every epoch, to cached waveforms. Takes and returns samples (N,) in [-1, 1]; the length may change, the
    transcript does not. All randomness comes from the generator, which is seeded by utterance and copy, in
    training also by seed and epoch.
    """

    domain: ClassVar[Literal["waveform", "features"]] = "waveform"

    @property
    def name(self) -> str:
        """Its dotted path, for messages."""
        return f"{type(self).__module__}.{type(self).__name__}"

    @abstractmethod
    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        """The changed recording; ``samples`` must not change."""


def check_samples(changed: Any) -> None:
    """ValueError if this is not a valid recording."""
    if not isinstance(changed, np.ndarray) or changed.ndim != 1:
        what = (
            f"an array of shape {changed.shape}"
            if isinstance(changed, np.ndarray)
            else type(changed).__name__
        )
        raise ValueError(f"returned {what} instead of samples (N,)")
    if not np.issubdtype(changed.dtype, np.floating):
        raise ValueError(f"returned samples of type {changed.dtype}, expected floats in [-1, 1]")
    if not len(changed):
        raise ValueError("returned no samples")
    if not np.isfinite(changed).all():
        raise ValueError("returned NaN or infinite samples")
