"""Tries out the augmentations of params.yaml before anything runs."""

from pathlib import Path

import numpy as np

from stages.augment.augmentation import Augmentation, Samples, check_samples
from stages.augment.building import build, reason, with_sounds
from stages.augment.transformed import Transformed
from stages.schema.nested import Unresolved
from stages.schema.part import Part

TRIALS = 25


def try_out(part: Part, inputs: Path, sample_rate: int) -> None:
    """ValueError if the part cannot be built with its arguments or applied at this sample rate; with a
    ``place`` if something within the part is at fault.
    """
    try:
        written = with_sounds(part, inputs, sample_rate)
        one, other = build(written), build(written)
        if isinstance(one, Augmentation):
            _compare(one, other, sample_rate)
    except Unresolved:
        raise
    except ValueError as error:
        raise ValueError(f"{part.class_path} {error}") from error
    except (Exception, SystemExit) as error:  # user code
        raise ValueError(f"{part.class_path} fails: {type(error).__name__}: {reason(error)}") from error


def _compare(one: Augmentation, other: Augmentation, sample_rate: int) -> None:
    """ValueError if it fails on a second of noise, or if the result depends on more than the generator: two
    instances get the same seeds in opposite orders.
    """
    for each in (one, other):
        if isinstance(each, Transformed):
            each.always()
    seeds = range(TRIALS)
    noise = np.random.default_rng(0).normal(0.0, 0.1, sample_rate).astype(np.float32)
    first = [_applied(one, noise, sample_rate, seed) for seed in seeds]
    second = [_applied(other, noise, sample_rate, seed) for seed in reversed(seeds)]
    if not all(map(np.array_equal, first, reversed(second))):
        where = "random and np.random" if isinstance(one, Transformed) else "the given generator"
        raise ValueError(
            f"gives other samples with the same random numbers: it draws from a source other than {where} (as"
            " signalsmith_stretch does to play more than twice as slow), or keeps state between recordings,"
            " so that runs would differ"
        )


def _applied(augmentation: Augmentation, noise: Samples, sample_rate: int, seed: int) -> Samples:
    given = noise.copy()
    changed = augmentation.apply(given, sample_rate, np.random.default_rng(seed))
    check_samples(changed)
    if not np.array_equal(given, noise):
        raise ValueError("changes the given samples, which are still needed: change a copy")
    return changed
