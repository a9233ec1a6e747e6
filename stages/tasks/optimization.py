"""Optimizer and schedule of a task."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from stages.schema.params import Schedule
from stages.schema.part import Part


@dataclass(frozen=True)
class Optimization:
    """The one learning rate, and the parts that use it."""

    lr: float
    optimizer: Part
    schedule: Schedule | None

    def configure(self, module: nn.Module, total_steps: int) -> dict[str, Any]:
        """Lightning's configuration, over the parameters that need gradients."""
        trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
        optimizer = self.optimizer.build(params=trainable, lr=self.lr)
        if self.schedule is None:
            return {"optimizer": optimizer}
        scheduler = self.schedule.build(optimizer=optimizer, total_steps=total_steps, max_lr=self.lr)
        settings = {"scheduler": scheduler, "interval": self.schedule.interval}
        if self.schedule.monitor:
            settings["monitor"] = self.schedule.monitor
        return {"optimizer": optimizer, "lr_scheduler": settings}
