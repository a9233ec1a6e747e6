"""The batches of training and validation."""

import atexit
import multiprocessing
import signal

import lightning
import torch
from torch.utils.data import DataLoader

from stages.batching.batch import Batch, collate
from stages.batching.duration_sampler import DurationSampler
from stages.batching.feature_dataset import FeatureDataset
from stages.program.processes import die_with_parent


class DataModule(lightning.LightningDataModule):
    """Shuffled, augmented training batches; validation in the order of length, never augmented."""

    def __init__(
        self,
        train: FeatureDataset,
        validation: FeatureDataset,
        *,
        seed: int,
        max_batch_seconds: float,
        max_batch_size: int | None,
        num_workers: int,
        first: tuple[int, int] = (0, 0),
    ) -> None:
        """``first`` is the epoch and batch at which a resumed training goes on: loaders start before
        Lightning knows it.
        """
        super().__init__()
        self.train, self.validation = train, validation
        self.seed = seed
        self.limits = (max_batch_seconds, max_batch_size)
        self.num_workers = num_workers
        self.first = first

    def train_sampler(self) -> DurationSampler:
        epoch, batch = max(self.first, (self.trainer.current_epoch if self.trainer else 0, 0))
        overfits = getattr(self.trainer, "overfit_batches", 0) > 0
        seed = None if overfits else self.seed  # the same batches in every epoch
        return DurationSampler(self.train.seconds, *self.limits, seed, epoch, batch, self._share())

    def train_dataloader(self) -> DataLoader[Batch]:
        return loader(self.train, self.train_sampler(), self.num_workers)

    def val_dataloader(self) -> DataLoader[Batch]:
        sampler = DurationSampler(self.validation.seconds, *self.limits, share=self._share())
        return loader(self.validation, sampler, self.num_workers)

    def _share(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        return batch.to(device)


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
        # its own, as a loader draws a seed whenever it starts: dropout after a resume must not notice
        generator=torch.Generator(),
    )


def _start_worker(worker: int) -> None:
    """A loader's worker never outlives its training, and leaves signals to it."""
    die_with_parent()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_IGN)


@atexit.register
def _end_workers() -> None:
    """Workers that a stopped training left: Python would ask them to end, which they ignore, and wait."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler takes their end for an error
    for worker in multiprocessing.active_children():
        worker.kill()
