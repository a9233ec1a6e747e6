"""What audiomentations' transforms are called with, and those that people write like them."""

import inspect
from abc import ABC, abstractmethod
from typing import Any

from stages.augment.augmentation import Samples


class Transform(ABC):
    """Anything that is called with samples (N,) and ``sample_rate`` and returns samples.

    A class need not inherit from it, nor from audiomentations' BaseWaveformTransform: its ``__call__`` says
    enough.
    """

    @abstractmethod
    def __call__(self, samples: Samples, sample_rate: int) -> Samples: ...

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        call = getattr(other, "__call__", None)  # noqa: B004 - of the instances of a class
        if cls is not Transform or not inspect.isfunction(call):
            return NotImplemented
        composes = hasattr(other, "randomize_parameters")  # audiomentations' OneOf is called with *args
        return composes or "sample_rate" in inspect.signature(call).parameters or NotImplemented
