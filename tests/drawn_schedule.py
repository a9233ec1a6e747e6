"""The learning rates of a training by Lightning, step by step, as stages.tasks.optimization sets it up."""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor
from torch.utils.data import DataLoader

from stages.schema.families import Schedule
from stages.schema.params import Group
from stages.schema.part import Part
from stages.tasks.optimization import Optimization

LR = 0.02
SCALE = 0.1
EPOCHS = 12
STEPS = 5  # an epoch
INTERRUPTED_AT = 33  # in epoch 6
VAL_LOSSES = [9.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0]
TOTAL = {"step": EPOCHS * STEPS, "epoch": EPOCHS}
ADAMW = Part(class_path="torch.optim.AdamW")
GROUPS = [Group(pattern="encoder.*", lr_scale=SCALE)]

Interval = Literal["step", "epoch"]


class Killed(Exception):
    pass


@dataclass
class Rates:
    """One value a step: the rate of what no pattern matches, of the group at SCALE, and the momentum."""

    rest: list[float] = field(default_factory=list)
    scaled: list[float] = field(default_factory=list)
    momentum: list[float] = field(default_factory=list)


class Drawn(lightning.LightningModule):
    """Two weights, one of them in a group, that note their rates."""

    def __init__(self, optimization: Optimization, interrupted_at: int | None) -> None:
        super().__init__()
        self.encoder, self.head = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
        self.optimization, self.interrupted_at = optimization, interrupted_at
        self.rates = Rates()

    def configure_optimizers(self) -> Any:
        return self.optimization.configure(self, self.trainer.estimated_stepping_batches, EPOCHS)

    def training_step(self, batch: Tensor) -> Tensor:
        if self.global_step == self.interrupted_at:
            raise Killed
        rest, scaled = self.trainer.optimizers[0].param_groups
        self.rates.rest.append(rest["lr"])
        self.rates.scaled.append(scaled["lr"])
        self.rates.momentum.append(rest["betas"][0])
        loss: Tensor = self.head(self.encoder(batch)).sum()
        return loss

    def validation_step(self, batch: Tensor) -> None:
        self.log("val_loss", VAL_LOSSES[self.current_epoch])


@cache
def drawn(class_path: str, interval: Interval, init_args: Any, interrupted: bool = False) -> Rates:
    """``init_args`` are pairs; an interrupted training goes on from its last whole epoch."""
    monitor = "val_loss" if class_path.endswith("Plateau") else None
    arguments = {name: list(value) if isinstance(value, tuple) else value for name, value in init_args}
    schedule = Schedule(class_path=class_path, init_args=arguments, interval=interval, monitor=monitor)
    optimization = Optimization(LR, ADAMW, schedule, GROUPS)
    with TemporaryDirectory() as folder:
        if not interrupted:
            return _fit(Drawn(optimization, None), folder, None)
        killed = Drawn(optimization, INTERRUPTED_AT)
        with suppress(Killed):
            _fit(killed, folder, None)
        after = _fit(Drawn(optimization, None), folder, Path(folder) / "last.ckpt")
    whole = INTERRUPTED_AT // STEPS * STEPS
    pairs = zip(vars(killed.rates).values(), vars(after).values(), strict=True)
    return Rates(*(before[:whole] + later for before, later in pairs))


def first_rates(schedule: Schedule, num_steps: int) -> list[float]:
    """Those of the first epoch, which has ``num_steps``, and of the step that follows it."""
    optimization = Optimization(LR, ADAMW, schedule, GROUPS)
    module = Drawn(optimization, interrupted_at=num_steps + 1)
    with TemporaryDirectory() as folder, suppress(Killed):
        _fit(module, folder, None, num_steps)
    return module.rates.rest


def _fit(module: Drawn, folder: str, resume: Path | None, num_steps: int = STEPS) -> Rates:
    checkpoint = ModelCheckpoint(
        folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False
    )
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, limit_val_batches=1, accelerator="cpu", logger=False, callbacks=[checkpoint],
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    batches: Any = DataLoader(torch.zeros(num_steps, 1))
    trainer.fit(module, batches, batches, ckpt_path=resume, weights_only=True)
    return module.rates
