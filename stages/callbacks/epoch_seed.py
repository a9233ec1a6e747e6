"""Seed dropout and the like by (seed, epoch), so that a resumed run draws what an uninterrupted one does."""

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything


class EpochSeed(Callback):
    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        drawn = int(np.random.default_rng([self.seed, trainer.current_epoch]).integers(2**32))
        seed_everything(drawn, verbose=False)
