"""Freeze and unfreeze train.groups during training."""

import math
from collections.abc import Sequence

from lightning.pytorch import Callback, LightningModule, Trainer

from stages.callbacks.lightning_task import LightningTask
from stages.schema.params import Group
from stages.tasks.parameter_groups import freeze
from stages.tasks.task import Task


class Freezing(Callback):
    """Keeps no state: the epoch decides what is frozen, also after a resume within it. What the model froze
    itself when it was built stays frozen.

    What is unfrozen later is still trainable when a strategy wraps the model, so that the strategy knows it.
    DDP then also needs ``strategy: ddp_find_unused_parameters_true``.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        self.by_model: frozenset[str] | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self.by_model is None:
            named = _task(pl_module).named_parameters()
            self.by_model = frozenset(name for name, parameter in named if not parameter.requires_grad)
        self._freeze(pl_module, math.inf)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._freeze(pl_module, trainer.current_epoch)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._freeze(pl_module, trainer.current_epoch)

    def _freeze(self, module: LightningModule, epoch: float) -> None:
        assert self.by_model is not None, "setup comes first"
        freeze(_task(module), self.groups, epoch, self.by_model)


def _task(module: LightningModule) -> Task:
    """The model whose parameters params.yaml names."""
    assert isinstance(module, LightningTask)
    return module.task
