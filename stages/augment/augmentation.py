"""What a fresh augmentation answers."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np

Values = np.ndarray[Any, np.dtype[np.float32]]


class Augmentation(ABC):
    """A random change of a training utterance, drawn anew in every epoch, never in validation.

    ``domain`` says what it works on: features (T, F) or waveform (N, 1). All randomness comes from
    the generator, which the dataset seeds by (seed, epoch, utterance id).
    """

    domain: ClassVar[Literal["features", "waveform"]] = "features"

    @abstractmethod
    def apply(self, values: Values, generator: np.random.Generator) -> Values:
        """Return the changed utterance; ``values`` itself stays as it is."""
