"""Optimizer and schedule of a task."""

import math
from dataclasses import dataclass
from typing import Any

from torch import nn

from stages.schema.params import Schedule
from stages.schema.part import Part, parameters_of


@dataclass(frozen=True)
class Optimization:
    """The one learning rate, and the parts that use it."""

    lr: float
    optimizer: Part
    schedule: Schedule | None

    def configure(self, module: nn.Module, total_steps: float, total_epochs: float) -> dict[str, Any]:
        """Lightning's configuration, over the parameters that need gradients.

        A schedule's ``total_steps`` counts its own steps: the optimizer's, or epochs. ValueError if it
        asks for them and training has no end.
        """
        trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
        optimizer = self.optimizer.build(params=trainable, lr=self.lr)
        if self.schedule is None:
            return {"optimizer": optimizer}
        total = total_steps if self.schedule.interval == "step" else total_epochs
        if math.isfinite(total):
            provided: dict[str, Any] = {"total_steps": math.ceil(total)}
        elif "total_steps" in parameters_of(self.schedule.load()):
            raise ValueError("train.trainer: this schedule needs an end, so give max_epochs or max_steps")
        else:
            provided = {}
        scheduler = self.schedule.build(optimizer=optimizer, max_lr=self.lr, **provided)
        settings = {"scheduler": scheduler, "interval": self.schedule.interval}
        if self.schedule.monitor:
            settings["monitor"] = self.schedule.monitor
        return {"optimizer": optimizer, "lr_scheduler": settings}
