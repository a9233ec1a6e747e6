"""Batches of similar lengths within a budget of padded seconds."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from stages.batching.feature_dataset import Key

JITTER = 0.03  # relative noise on lengths: new neighbours in every epoch, hardly more padding

Array = np.ndarray[Any, np.dtype[Any]]


class DurationSampler:
    """Batches of (position, epoch); a batch's size times its longest utterance stays within the budget.

    Utterances are sorted by length and split into batches once, so that every batch is a bucket, bounded by
    quantiles of the lengths. Every epoch shuffles utterances among others of nearly the same length, and the
    order of batches. The number of batches never changes, so that schedules can rely on it. Without a seed
    the order is by length, for evaluation.
    """

    def __init__(
        self,
        seconds: Array,
        max_batch_seconds: float,
        max_batch_size: int | None = None,
        seed: int | None = None,
        epoch: int = 0,
        first_batch: int = 0,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        """``first_batch`` is where a resumed training starts in its first epoch, ``epoch``. ``share`` is
        (index, number of devices): this process's part of every batch, so that batches are the same on any
        number of devices. No part is empty, even if a batch must exceed the budget.
        """
        self.seconds = np.asarray(seconds, dtype=np.float64)
        self.seed = seed
        self.epoch = epoch
        self.resumed = (epoch, first_batch)
        slack = 1.0 if seed is None else (1 + JITTER) / (1 - JITTER)
        self.share = share
        ascending = np.sort(self.seconds)
        bounds = np.minimum(ascending * slack, ascending.max(initial=0.0))  # noise makes none longer
        self.ends = _cut(bounds, max_batch_seconds, max_batch_size, share[1])

    @property
    def sampler(self) -> "DurationSampler":
        """The object on which Lightning calls set_epoch."""
        return self

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.ends)

    def __iter__(self) -> Iterator[list[Key]]:
        epoch = self.epoch
        first = self.resumed[1] if epoch == self.resumed[0] else 0
        for batch in self.batches(epoch)[first:]:
            yield [(position, epoch) for position in batch.tolist()]

    def batches(self, epoch: int) -> list[Array]:
        """Positions in this process's part of every batch of an epoch."""
        share = slice(self.share[0], None, self.share[1])
        return [batch[share] for batch in self._cut_batches(epoch)]

    def padding(self, epoch: int) -> float:
        """The fraction of an epoch's batches that is padding."""
        batches = self._cut_batches(epoch)
        padded = sum(len(batch) * self.seconds[batch].max() for batch in batches)
        return float(1 - self.seconds.sum() / padded)

    def _cut_batches(self, epoch: int) -> list[Array]:
        if self.seed is None:
            return np.split(np.argsort(self.seconds, kind="stable"), self.ends[:-1])
        generator = np.random.default_rng([self.seed, epoch])
        noise = generator.uniform(1 - JITTER, 1 + JITTER, len(self.seconds))
        batches = np.split(np.argsort(self.seconds * noise, kind="stable"), self.ends[:-1])
        return [batches[number] for number in generator.permutation(len(batches))]


def _cut(
    ascending: Array, max_batch_seconds: float, max_batch_size: int | None, min_batch_size: int
) -> list[int]:
    """Ends of batches over lengths in ascending order; an utterance over the budget is its own batch, if a
    batch may be that small.
    """
    if len(ascending) < min_batch_size:
        raise ValueError(
            f"train.trainer.devices: {min_batch_size} devices share every batch, but one of the splits train"
            f" and validation has only {len(ascending)} utterances"
        )
    ends, start = [], 0
    for position, longest in enumerate(ascending):
        size = position - start + 1
        full = size * longest > max_batch_seconds or (max_batch_size and size > max_batch_size)
        left = len(ascending) - position
        if full and min(position - start, left) >= min_batch_size:
            ends.append(position)
            start = position
    return [*ends, len(ascending)]
