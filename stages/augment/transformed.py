"""Transforms of audiomentations, and those that people write like them, as augmentations."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

from stages.augment.augmentation import Augmentation, Samples, check_samples
from stages.augment.transform import Transform
from stages.schema.extras import advice

ATTEMPTS = 8


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
                with seeded(seed):
                    changed = self.transform(samples.copy(), sample_rate)
                check_samples(changed)
                return changed
            except ImportError as error:
                raise ValueError(advice(error)) from error
            except Exception as error:  # noqa: BLE001 - of anybody's code
                failure = str(error) or type(error).__name__
        raise ValueError(f"cannot change {len(samples)} samples at {sample_rate} Hz: {failure}")

    def always(self) -> None:
        """Change every recording from now on, whatever the transform's probability is."""
        if hasattr(self.transform, "p"):
            with suppress(AttributeError):  # of a property
                self.transform.p = 1.0


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Meanwhile, the random numbers of Python and numpy follow from the seed."""
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
