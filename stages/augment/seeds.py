"""Seeds of random numbers: they do not depend on the numbers of workers, batches and devices."""

import zlib
from collections.abc import Sequence

import numpy as np

OF_RECORDINGS = (0,)


def copy_generator(utterance: str, number: int) -> np.random.Generator:
    """The generator of a cached copy, numbered from 1."""
    return np.random.default_rng([zlib.crc32(utterance.encode()), number])


def fresh_seeds(seed: int, epoch: int, utterance: str, copy: int, repetition: int = 0) -> tuple[int, ...]:
    """The seed sequence of an utterance in an epoch of training; ``copy`` 0 is the original, ``repetition``
    counts its earlier occurrences in the epoch.
    """
    seeds = (seed, epoch, zlib.crc32(utterance.encode()), copy)
    return (*seeds, repetition) if repetition else seeds


def recording_generator(seeds: Sequence[int]) -> np.random.Generator:
    """The generator for changes of the recording; independent of that for its features."""
    return np.random.default_rng(np.random.SeedSequence(seeds, spawn_key=OF_RECORDINGS))
