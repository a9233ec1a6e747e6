"""The LightningModule: how Lightning trains and validates a task."""

import math
from functools import partial
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from stages.batching.batch import Batch
from stages.tasks.optimization import Optimization
from stages.tasks.task import Encoded, Hypothesis, Task


class LightningTask(LightningModule):
    """A task with its optimization; losses and metrics are logged at every validation.

    In checkpoints weights have the task's own names, without a prefix of this module.
    """

    def __init__(self, task: Task, optimization: Optimization) -> None:
        super().__init__()
        self.task, self.optimization = task, optimization
        self.validated: list[tuple[str, str, Hypothesis]] = []  # id, reference, hypothesis
        self.loss_sums: dict[str, list[Tensor]] = {}  # since the last validation: total and count

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return self.task.state_dict(*args, **kwargs)

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        return self.task.load_state_dict(state_dict, strict, assign)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        _, total, count = self._loss(batch, "training", batch_index)
        self._add("train_loss", total, count)
        # divided by the count of all devices: gradients of devices are averaged
        return total * self.trainer.world_size / self._over_devices(count).clamp(min=1)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        encoded, total, count = self._loss(batch, "validation", batch_index)
        self._add("val_loss", total, count)
        references = [self.task.tokens.normalize(text) for text in batch.texts]
        self.validated += zip(batch.ids, references, self.task.decode(encoded), strict=True)

    def on_validation_epoch_start(self) -> None:
        self.validated.clear()

    def on_validation_epoch_end(self) -> None:
        if self.trainer.world_size > 1:
            parts: list[Any] = [None] * self.trainer.world_size
            torch.distributed.all_gather_object(parts, self.validated)
            self.validated = [row for part in parts for row in part]
        self.validated.sort(key=lambda row: row[0])
        references = [reference for _, reference, _ in self.validated]
        hypotheses = [hypothesis for _, _, hypothesis in self.validated]
        texts = [hypothesis.text for hypothesis in hypotheses]
        log = partial(self.log, prog_bar=True, sync_dist=True)  # without sync_dist Lightning warns
        for metric in self.task.metrics:
            found = metric.compute(references, texts)
            for name in metric.logged:
                log(f"val_{name}", found[name])
        for name, value in self.task.diagnose(hypotheses).items():
            self.log(f"val_{name}", value, sync_dist=True)
        for name in ("train_loss", "val_loss"):
            if sums := self.loss_sums.pop(name, None):
                total, count = map(self._over_devices, sums)
                log(name, total / count.clamp(min=1))

    def samples(self, count: int) -> list[tuple[str, str, Hypothesis]]:
        """Some utterances of the last validation, always the same ones."""
        return self.validated[:: max(1, len(self.validated) // count)][:count]

    def configure_optimizers(self) -> Any:
        steps = self.trainer.estimated_stepping_batches
        epochs = self.trainer.max_epochs
        found = self.optimization.configure(self.task, steps, epochs if epochs and epochs > 0 else math.inf)
        if "monitor" in found.get("lr_scheduler", {}):  # it steps when there is a new value
            found["lr_scheduler"]["frequency"] = self.trainer.check_val_every_n_epoch or 1
        return found

    def _loss(self, batch: Batch, what: str, batch_index: int) -> tuple[Encoded, Tensor, Tensor]:
        self.task.current_epoch = self.current_epoch
        encoded = self.task.encode(batch)
        total, count = self.task.loss(encoded, batch)
        if not torch.isfinite(total):
            raise ValueError(
                f"the {what} loss became {total.item()} in epoch {self.current_epoch}, batch {batch_index},"
                f" utterances {', '.join(batch.ids)}: lower lr, or check these recordings"
            )
        return encoded, total, count

    def _over_devices(self, value: Tensor) -> Tensor:
        summed: Tensor = self.trainer.strategy.reduce(value.clone(), reduce_op="sum")
        return summed

    def _add(self, name: str, total: Tensor, count: Tensor) -> None:
        """Sum an epoch's loss and count, so that every batch is weighted by its size."""
        before = self.loss_sums.get(name, [torch.zeros_like(total), torch.zeros_like(count)])
        self.loss_sums[name] = [before[0] + total.detach(), before[1] + count]
