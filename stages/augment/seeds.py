"""What random numbers follow from: the same whatever the numbers of workers, batches and devices."""

import zlib
from collections.abc import Sequence

import numpy as np

OF_RECORDINGS = (0,)


def copy_generator(utterance: str, number: int) -> np.random.Generator:
    """For the cached copy of that number, from 1 on."""
    return np.random.default_rng([zlib.crc32(utterance.encode()), number])


def fresh_seeds(seed: int, epoch: int, utterance: str, copy: int, repetition: int = 0) -> tuple[int, ...]:
    """The seed sequence of an utterance in an epoch of training, of its copy 0, which is the original, or
    another; ``repetition`` counts how often the epoch had it before.
    """
    seeds = (seed, epoch, zlib.crc32(utterance.encode()), copy)
    return (*seeds, repetition) if repetition else seeds


def recording_generator(seeds: Sequence[int]) -> np.random.Generator:
    """For what changes the recording; it shares no numbers with what is drawn of its features."""
    return np.random.default_rng(np.random.SeedSequence(seeds, spawn_key=OF_RECORDINGS))
