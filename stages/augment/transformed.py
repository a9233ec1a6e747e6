"""Transforms of audiomentations, and those that people write like them, as augmentations."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

from stages.augment.augmentation import Augmentation, Samples, check_samples
from stages.augment.transform import Transform
from stages.schema.extras import advice

ATTEMPTS = 8
TRIALS = 25


class Transformed(Augmentation):
    """A transform that draws from Python's and numpy's global random numbers, which are seeded by the
    generator for each call and are afterwards what they were.

    Some draws do not fit some recordings (a shift by nearly a recording's length, a band above half the
    sample rate) and end in an exception within the transform, or in no samples or no numbers: then another
    one is drawn, 8 times at most, as that is no reason for a long training to end.
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
                with _seeded(seed):
                    changed = self.transform(samples.copy(), sample_rate)
                check_samples(changed)
                return changed
            except ImportError as error:
                raise ValueError(advice(error)) from error
            except Exception as error:  # noqa: BLE001 - of anybody's code
                failure = str(error) or type(error).__name__
        raise ValueError(f"cannot change {len(samples)} samples at {sample_rate} Hz: {failure}")

    def try_out(self, sample_rate: int) -> None:
        """ValueError if it fails on a second of noise, or draws from elsewhere than what is seeded."""
        if hasattr(self.transform, "p"):
            with suppress(AttributeError):  # of a property
                self.transform.p = 1.0
        noise = np.random.default_rng(0).normal(0.0, 0.1, sample_rate).astype(np.float32)
        for seed in range(TRIALS):
            first, second = (self.apply(noise, sample_rate, np.random.default_rng(seed)) for _ in range(2))
            if not np.array_equal(first, second):
                raise ValueError(
                    "gives other samples with the same random numbers: it draws from elsewhere than random"
                    " and np.random (as signalsmith_stretch does to play more than twice as slow), so that"
                    " no two runs would agree"
                )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
