"""What an augmentation of recordings answers."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np

Samples = np.ndarray[Any, np.dtype[np.float32]]


class Augmentation(ABC):
    """A change of a whole recording of the training split, never of validation or test.

    In ``features.copies`` it is made once, by the features stage; in ``train.augment`` anew in every epoch,
    of cached waveforms. Takes and returns samples (N,) in [-1, 1]; the length may change, the transcript
    stays as it is. All randomness comes from the generator, which is seeded by utterance and copy, and in
    training by seed and epoch too.
    """

    domain: ClassVar[Literal["waveform", "features"]] = "waveform"

    @property
    def name(self) -> str:
        """Its dotted path, for messages."""
        return f"{type(self).__module__}.{type(self).__name__}"

    @abstractmethod
    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        """The changed recording; ``samples`` itself stays as it is."""


def check_samples(changed: Any) -> None:
    """ValueError if this is no recording, whoever made it."""
    if not isinstance(changed, np.ndarray) or changed.ndim != 1:
        what = (
            f"an array of shape {changed.shape}"
            if isinstance(changed, np.ndarray)
            else type(changed).__name__
        )
        raise ValueError(f"gave {what} in place of samples (N,)")
    if not np.issubdtype(changed.dtype, np.floating):
        raise ValueError(f"gave samples of type {changed.dtype}: they are floating-point numbers in [-1, 1]")
    if not len(changed):
        raise ValueError("left no sample of it")
    if not np.isfinite(changed).all():
        raise ValueError("gave NaN or infinite samples")
