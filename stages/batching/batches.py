"""The batches of training and validation."""

import atexit
import multiprocessing
import signal
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader

from stages.batching.batch import Batch, collate
from stages.batching.duration_sampler import DurationSampler
from stages.batching.feature_dataset import FeatureDataset
from stages.program.parents import serve_parent

Share = tuple[int, int]  # which of how many devices


@dataclass(frozen=True)
class Batches:
    """Shuffled, augmented training batches; validation batches in order of length, never augmented."""

    train: FeatureDataset
    validation: FeatureDataset
    seed: int
    max_batch_seconds: float
    max_batch_size: int | None
    num_workers: int

    def train_sampler(
        self, epoch: int = 0, batch: int = 0, share: Share = (0, 1), *, repeats: bool = False
    ) -> DurationSampler:
        """A sampler from a given epoch and batch on; with ``repeats`` every epoch has the same batches."""
        limits = self.max_batch_seconds, self.max_batch_size
        return DurationSampler(
            self.train.seconds, *limits, None if repeats else self.seed, epoch, batch, share
        )

    def train_loader(self, sampler: DurationSampler) -> DataLoader[Batch]:
        return loader(self.train, sampler, self.num_workers)

    def validation_loader(self, share: Share = (0, 1)) -> DataLoader[Batch]:
        limits = self.max_batch_seconds, self.max_batch_size
        sampler = DurationSampler(self.validation.seconds, *limits, share=share)
        return loader(self.validation, sampler, self.num_workers)


def loader(dataset: FeatureDataset, sampler: DurationSampler, num_workers: int = 0) -> DataLoader[Batch]:
    """A loader of padded batches; its workers die with this process."""
    return DataLoader(
        dataset,  # type: ignore[arg-type]
        batch_sampler=sampler,
        collate_fn=collate,
        num_workers=num_workers,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=num_workers > 0,
        worker_init_fn=_start_worker if num_workers else None,
        # its own: a loader draws a seed whenever it starts, which must not change dropout after a resume
        generator=torch.Generator(),
    )


def _start_worker(worker: int) -> None:
    serve_parent()


@atexit.register
def _end_workers() -> None:
    """Kill workers that a stopped training left: they ignore Python's SIGTERM, and Python would wait."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler treats their end as an error
    for worker in multiprocessing.active_children():
        worker.kill()
