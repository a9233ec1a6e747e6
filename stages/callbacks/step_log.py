"""What loggers get between validations: loss, learning rate and gradient norm of a step."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer


class StepLog(Callback):
    """Logs a step every trainer.log_every_n_steps, and at every validation the mean gradient norm since
    the last one.

    The norm is over all gradients, before clipping. Steps with gradients that are not finite, which mixed
    precision skips, are left out. Sums stay on the device and are part of the resume state.
    """

    def __init__(self) -> None:
        self.norm: Tensor | None = None  # of the current step
        self.sum: Any = 0.0
        self.count: Any = 0

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        self.norm = norm = get_total_norm(gradients).detach()
        self.sum = self.sum + torch.where(norm.isfinite(), norm, 0.0)
        self.count = self.count + norm.isfinite()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        norm, self.norm = self.norm, None
        every = trainer.log_every_n_steps  # type: ignore[attr-defined]
        if norm is None or not every or trainer.global_step % every:
            return
        loss = outputs["loss"].item() * trainer.accumulate_grad_batches  # Lightning has divided it
        lr = trainer.optimizers[0].param_groups[0]["lr"]
        for logger in trainer.loggers:
            values = {"train_loss_step": loss, "lr": lr, "grad_norm_step": norm.item()}
            logger.log_metrics(values, trainer.global_step)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking and self.count:
            pl_module.log("grad_norm", float(self.sum) / int(self.count), sync_dist=True)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:  # not earlier: a validation that was cut short starts again
            self.sum, self.count = 0.0, 0

    def state_dict(self) -> dict[str, Any]:
        return {"sum": self.sum, "count": self.count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.sum, self.count = state_dict["sum"], state_dict["count"]
