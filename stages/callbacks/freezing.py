"""Freezing and unfreezing of train.groups while a model trains."""

import math
from collections.abc import Sequence

from lightning.pytorch import Callback, LightningModule, Trainer

from stages.schema.params import Group
from stages.tasks.parameter_groups import freeze


class Freezing(Callback):
    """Keeps no state: what is frozen follows from the epoch, after a resume in its middle too.

    What is unfrozen later is still trainable when a strategy wraps the model, so that it is known to it.
    DDP also needs ``strategy: ddp_find_unused_parameters_true`` then.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        freeze(pl_module, self.groups, math.inf)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        freeze(pl_module, self.groups, trainer.current_epoch)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        freeze(pl_module, self.groups, trainer.current_epoch)
