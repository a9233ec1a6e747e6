"""The LightningDataModule: which batches Lightning gets, on which device, in which epoch."""

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from stages.batching.batch import Batch
from stages.batching.batches import Batches
from stages.batching.feature_dataset import FeatureDataset


class LightningData(LightningDataModule):
    def __init__(self, batches: Batches, first: tuple[int, int] = (0, 0)) -> None:
        """``first`` is the epoch and batch at which training resumes; loaders start before Lightning knows
        it.
        """
        super().__init__()
        self.batches, self.first = batches, first

    @property
    def train(self) -> FeatureDataset:
        return self.batches.train

    def train_dataloader(self) -> DataLoader[Batch]:
        epoch, batch = max(self.first, (self.trainer.current_epoch if self.trainer else 0, 0))
        overfits = getattr(self.trainer, "overfit_batches", 0) > 0
        sampler = self.batches.train_sampler(epoch, batch, self._share(), repeats=overfits)
        return self.batches.train_loader(sampler)

    def val_dataloader(self) -> DataLoader[Batch]:
        return self.batches.validation_loader(self._share())

    def _share(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        return batch.to(device)
