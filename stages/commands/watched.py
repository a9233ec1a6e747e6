"""Augmentations that report what they did."""

from typing import Any

import numpy as np

from stages.augment.augmentation import Augmentation, Samples
from stages.augment.transformed import Transformed


class Watched(Augmentation):
    """An augmentation that reports whether, and how, it changed the last recording."""

    def __init__(self, inner: Augmentation) -> None:
        self.inner = inner
        self.did = ""

    @property
    def name(self) -> str:
        return self.inner.name

    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        transforms = _single(self.inner.transform) if isinstance(self.inner, Transformed) else []
        for transform in transforms:
            _parameters(transform).pop("should_apply", None)  # of an earlier recording
        changed = self.inner.apply(samples, sample_rate, generator)
        drawn = ", ".join(filter(None, map(_drawn, transforms))) or self.name.rpartition(".")[2]
        self.did = "" if np.array_equal(changed, samples) else drawn
        return changed


def _single(transform: Any) -> list[Any]:
    """The transforms that a transform of audiomentations is composed of, or itself."""
    inner = getattr(transform, "transforms", None)
    return [one for each in inner for one in _single(each)] if inner else [transform]


def _drawn(transform: Any) -> str:
    """A readable form of what a transform of audiomentations drew; empty if it was not applied."""
    parameters = _parameters(transform)
    numbers = [
        f"{name.replace('_', ' ')} {value:.4g}"
        for name, value in parameters.items()
        if isinstance(value, int | float) and name != "should_apply"
    ]
    return " ".join([type(transform).__name__, *numbers]) if parameters.get("should_apply") else ""


def _parameters(transform: Any) -> dict[str, Any]:
    """The parameters of a transform of audiomentations; other callables may have none."""
    found = getattr(transform, "parameters", None)
    return found if isinstance(found, dict) else {}
