"""The optimizer and schedule of a task."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

from stages.schema.families import Schedule
from stages.schema.params import Group
from stages.schema.part import Part, parameters_of
from stages.tasks.optimizer_state import OptimizerState
from stages.tasks.parameter_groups import trainable

RATES = ("max_lr", "min_lr", "base_lr")  # arguments of schedules that take one value per group


@dataclass(frozen=True)
class Optimization:
    """The learning rate, the parts and groups that use it, and the state that they start from."""

    lr: float
    optimizer: Part
    schedule: Schedule | None
    groups: Sequence[Group] = ()
    state: OptimizerState | None = None

    @property
    def scales(self) -> list[float]:
        """The lr_scale of parameters that no pattern matches, then of each group that is not frozen."""
        return [1.0, *(group.lr_scale for group in self.groups if not group.frozen)]

    @property
    def rates(self) -> list[float]:
        return [self.lr * scale for scale in self.scales]

    def configure(self, module: nn.Module, total_steps: float, total_epochs: float) -> dict[str, Any]:
        """Lightning's configuration, for the parameters that need gradients, now or once unfrozen.

        The optimizer's first group has the parameters that no pattern matches, at ``lr``. A schedule's
        ``total_steps`` counts its own steps: the optimizer's, or epochs. ValueError if it takes them and
        training has no end.
        """
        pairs = zip(trainable(module, self.groups), self.rates, strict=True)
        parameters = [{"params": found, "lr": rate} for found, rate in pairs]
        optimizer = self.optimizer.build(params=parameters, lr=self.lr)
        configured: dict[str, Any] = {"optimizer": optimizer}
        scheduler, total = None, total_steps
        if self.schedule:
            total = total_steps if self.schedule.interval == "step" else total_epochs
            scheduler = self._scheduler(self.schedule, optimizer, total)
            configured["lr_scheduler"] = {"scheduler": scheduler, "interval": self.schedule.interval}
            if self.schedule.monitor:
                configured["lr_scheduler"]["monitor"] = self.schedule.monitor
        if self.state:
            self.state.restore(optimizer, scheduler, self.rates, total)
        return configured

    def _scheduler(self, schedule: Schedule, optimizer: Optimizer, total: float) -> Any:
        """Build the schedule, with its learning-rate arguments scaled per group."""
        provided: dict[str, Any] = {"optimizer": optimizer}
        if math.isfinite(total):
            provided["total_steps"] = math.ceil(total)
        elif "total_steps" in parameters_of(schedule.load()):
            raise ValueError("train.trainer: this schedule needs an end; set max_epochs or max_steps")
        rates = {"max_lr": self.lr, **schedule.init_args}
        rates = {name: rates[name] for name in RATES if isinstance(rates.get(name), int | float)}
        if self.groups:
            rates = {name: [scale * rate for scale in self.scales] for name, rate in rates.items()}
        others = {name: value for name, value in schedule.init_args.items() if name not in rates}
        return schedule.model_copy(update={"init_args": others}).build(**provided, **rates)
