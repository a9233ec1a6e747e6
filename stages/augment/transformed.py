"""Transforms of audiomentations, and user classes like them, as augmentations."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

from stages.augment.augmentation import Augmentation, Samples, check_samples
from stages.augment.transform import Transform
from stages.schema.extras import advice

ATTEMPTS = 8


class Transformed(Augmentation):
    """A transform that draws from the global random numbers of Python and NumPy: each call seeds them from
    the generator and restores their state afterwards.

    Some draws do not fit some recordings (a shift by nearly the length, a band above half the sample rate)
    and end in an exception or invalid samples. Then another one is drawn, 8 times at most, so that this does
    not end a long training.
    """

    def __init__(self, transform: Transform, class_path: str) -> None:
        self.transform = transform
        self.class_path = class_path

    @property
    def name(self) -> str:
        return self.class_path

    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        failure = ""
        for seed in generator.integers(2**32, size=ATTEMPTS).tolist():
            try:
                with seeded(seed):
                    changed = self.transform(samples.copy(), sample_rate)
                check_samples(changed)
                return changed
            except ImportError as error:
                raise ValueError(advice(error)) from error
            except Exception as error:  # noqa: BLE001 - user code
                failure = str(error) or type(error).__name__
        raise ValueError(f"cannot change {len(samples)} samples at {sample_rate} Hz: {failure}")

    def always(self) -> None:
        """Change every recording from now on, whatever the probability of the transform."""
        if hasattr(self.transform, "p"):
            with suppress(AttributeError):  # a read-only property
                self.transform.p = 1.0


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the random numbers of Python and NumPy within the block."""
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
