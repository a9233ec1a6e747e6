"""What a cached copy of the training split answers."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

Samples = np.ndarray[Any, np.dtype[np.float32]]


class Copy(ABC):
    """A change of a whole recording, made once by the features stage.

    Takes and returns samples (N,) in [-1, 1]; the transcript stays as it is. All randomness comes from the
    generator, which the stage seeds by utterance and copy.
    """

    @abstractmethod
    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples: ...
