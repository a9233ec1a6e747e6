"""Try the largest batches before the first epoch: running out of memory fails in the first minute."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.seed import isolate_rng

from stages.batching.batch import collate
from stages.batching.duration_sampler import DurationSampler
from stages.batching.feature_dataset import Key
from stages.callbacks.lightning_task import LightningTask
from stages.schema.params import Train

ON_THE_CPU = re.compile("not enough memory|can't allocate memory|Cannot allocate memory")


class LargestBatches(Callback):
    """Runs one forward and backward pass over the batch with the longest utterance, and over the one with
    the most padded seconds. Weights, buffers, random state and loss sums do not change.

    Not in a fast_dev_run. Must come before Freezing, so that it includes what is unfrozen later.
    """

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        assert isinstance(pl_module, LightningTask)
        task = pl_module.task
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        before = [(buffer, buffer.clone()) for buffer in pl_module.buffers()]
        with isolate_rng():
            for keys in largest(data.train_dataloader().batch_sampler):
                batch = collate([data.train[key] for key in keys])
                batch = trainer.strategy.batch_to_device(trainer.precision_plugin.convert_input(batch))
                with trainer.precision_plugin.forward_context():
                    total, count = task.loss(task.encode(batch), batch)
                (total / count.clamp(min=1)).backward()
                pl_module.zero_grad()
        for buffer, value in before:
            buffer.copy_(value)


def largest(sampler: DurationSampler) -> list[list[Key]]:
    """The batch with the longest utterance and the one with the most padded seconds, once if the same."""
    batches = sampler.batches(sampler.epoch)
    longest = np.array([sampler.seconds[batch].max() for batch in batches])
    fullest = longest * [len(batch) for batch in batches]
    found = dict.fromkeys([int(longest.argmax()), int(fullest.argmax())])
    return [[(position, sampler.epoch) for position in batches[number].tolist()] for number in found]


@contextmanager
def memory_advice(settings: Train) -> Iterator[None]:
    """Turn an out-of-memory error into a ValueError that says what to set."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not (isinstance(error, torch.OutOfMemoryError | MemoryError) or ON_THE_CPU.search(str(error))):
            raise
        seconds = settings.batching.max_batch_seconds
        steps = settings.trainer.get("accumulate_grad_batches", 1)
        raise ValueError(
            f"out of memory with train.batching.max_batch_seconds: {seconds:g}. Set it to {seconds / 2:g},"
            f" and train.trainer.accumulate_grad_batches to {2 * steps} (now {steps}), so that a step sees as"
            f" much audio as before. {str(error).partition(chr(10))[0]}"
        ) from error
