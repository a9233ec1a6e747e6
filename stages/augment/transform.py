"""The interface of transforms of audiomentations, and of user classes like them."""

import inspect
from abc import ABC, abstractmethod
from typing import Any

from stages.augment.augmentation import Samples


class Transform(ABC):
    """Anything that is called with samples (N,) and ``sample_rate`` and returns samples.

    A class need not inherit from it or from audiomentations' BaseWaveformTransform: the signature of
    ``__call__`` is enough.
    """

    @abstractmethod
    def __call__(self, samples: Samples, sample_rate: int) -> Samples: ...

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        call = getattr(other, "__call__", None)  # noqa: B004 - the method of instances
        if cls is not Transform or not inspect.isfunction(call):
            return NotImplemented
        composes = hasattr(other, "randomize_parameters")  # audiomentations' OneOf is called with *args
        return composes or "sample_rate" in inspect.signature(call).parameters or NotImplemented
