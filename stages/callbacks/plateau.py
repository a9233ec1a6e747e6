"""Schedules that follow a metric, such as ReduceLROnPlateau."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Plateau(Callback):
    """Steps them once a validation, so that patience counts validations, before a checkpoint is written.

    Lightning would step them after that, and a resumed training would have missed a step.
    """

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        for config in trainer.lr_scheduler_configs:
            if config.reduce_on_plateau:
                logged = trainer.callback_metrics
                if config.monitor not in logged:
                    names = ", ".join(sorted(logged))
                    raise ValueError(
                        f"train.schedule.monitor: {config.monitor} is not logged; there are {names}"
                    )
                schedule: Any = config.scheduler
                schedule.step(logged[config.monitor].item())
