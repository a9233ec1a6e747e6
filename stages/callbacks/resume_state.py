"""What a stopped training goes on from: the start of an epoch, or the very batch at which a signal came."""

import copy
import random
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer

from stages.callbacks.lightning_task import LightningTask
from stages.compat.lightning_loops import (
    end_restart,
    is_between_steps,
    save_without_waiting,
    validates_next,
)
from stages.program.signals import hold_exit, release_exit, take_signals

SAVE_SECONDS = 600.0  # what a SIGKILL or a power cut costs at most, epochs however long


class ResumeState(Callback):
    """Saves the full state of training at ``path``.

    At the start of every epoch, every ten minutes, and when a signal ends the training: then as of the last
    optimizer step, or of the start of the validation that was under way; where weights are shared out
    among devices (FSDP, DeepSpeed), at the start of every epoch alone. To be the first
    callback, so that a signal waits while anything but the model is at work (``Interruptible``).
    """

    def __init__(self, path: Path, keep_end: bool = False) -> None:
        """``keep_end``: also save the state from which a finished training could go on, at ``end``."""
        self.path, self.end = path, path.with_name("end.ckpt")
        self.keep_end = keep_end
        self.boundary: dict[str, Any] = {}  # what moves on between optimizer steps, as it was at the last one
        self.is_current = True  # whether training can go on from there: nobody noted a validation since
        self.loaded: dict[str, Any] = {}
        self.own_steps: int | None = None  # accumulate_grad_batches, while that of the state holds
        self.saved = time.monotonic()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        hold_exit()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        now = _parameters(trainer, pl_module)
        if self.loaded and self.loaded["parameters"] != now:
            moved = {place for group in enumerate(now) for place in _places(*group)}
            moved ^= {place for group in enumerate(self.loaded["parameters"]) for place in _places(*group)}
            raise ValueError(
                "train.resume_from: the optimizer had other parameters, or in other groups, among them"
                f" {', '.join(sorted({name for _, name in moved})[:3])}; make train.groups as they were, or"
                " start from weights alone"
            )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, LightningTask)
        take_signals()  # in the place of Lightning's handlers, which end a training between two states
        if self.loaded:  # not before the sanity check, which has sums and metrics of its own
            pl_module.loss_sums = self.loaded["loss_sums"]
            trainer.callback_metrics.update(self.loaded["metrics"])
            if not self.loaded["num_batches"]:
                end_restart(trainer)
            elif self.loaded["num_training_batches"] != trainer.num_training_batches:
                raise ValueError(
                    f"train.resume_from: it goes on after {self.loaded['num_batches']} batches of an epoch"
                    f" that had {self.loaded['num_training_batches']}, and now has"
                    f" {trainer.num_training_batches}: leave train.batching and the data alone, or start"
                    " from weights"
                )
            if self.loaded["random"]:
                _set_random_state(self.loaded["random"])

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.accumulate_grad_batches = self.own_steps or trainer.accumulate_grad_batches
        self.own_steps = None
        self._note(trainer, pl_module)
        # the state before the epoch: what was counted of it is counted again, and EpochSeed draws anew
        for counts in _counts(self.boundary["loops"]["epoch_progress"]):
            counts["ready"] -= 1
        self.boundary |= {"num_batches": 0, "random": None}
        if trainer.global_step:
            self._save(trainer)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        steps = self.loaded.pop("accumulate_grad_batches", None)
        if steps and self.loaded["num_batches"]:  # which a callback set at the start of this epoch, perhaps
            self.own_steps, trainer.accumulate_grad_batches = trainer.accumulate_grad_batches, steps

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        hold_exit()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        hold_exit()
        if is_between_steps(trainer) or validates_next(trainer) or trainer.is_last_batch:
            return
        self._note(trainer, pl_module)
        if time.monotonic() - self.saved > SAVE_SECONDS and not _is_sharded(trainer):
            self._save(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        if not is_between_steps(trainer):
            self._note(trainer, pl_module)
            # validation has no state of its own: it starts again, as one of which no batch is done
            for counts in _counts(self.boundary["loops"]["epoch_loop.val_loop.batch_progress"]):
                counts |= {"ready": 1, "started": 1, "processed": 0, "completed": 0}

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        hold_exit()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.is_current = trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # else Lightning keeps a metric from its schedule in an epoch that was resumed
        end_restart(trainer)
        if not trainer.is_last_batch:  # stopped within an epoch, by max_steps
            self._note(trainer, pl_module)
            for counts in _counts(self.boundary["loops"]["epoch_progress"]):
                counts["processed"] -= 1

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.keep_end:
            if trainer.is_last_batch:
                self._note(trainer, pl_module)
                self.boundary |= {"num_batches": 0, "random": None}
            save_without_waiting(trainer, self.end)
        release_exit()  # what came is done with now, as of the last step; what comes waits for the loggers
        hold_exit()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        stopped = isinstance(exception, SystemExit) and trainer.global_step and self.boundary
        if stopped and not _is_sharded(trainer):
            self._save(trainer)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        assert isinstance(pl_module, LightningTask)
        schedule = pl_module.optimization.schedule
        checkpoint["resume"] = {
            **self.boundary,
            "rates": pl_module.optimization.rates,
            "schedule": schedule and schedule.model_dump(),
            "parameters": _parameters(trainer, pl_module),
            "num_training_batches": trainer.num_training_batches,
        }
        loops = checkpoint["resume"].pop("loops", checkpoint["loops"]["fit_loop"])
        checkpoint["loops"]["fit_loop"] = loops
        checkpoint["epoch"] = loops["epoch_progress"]["current"]["processed"]
        checkpoint["state_dict"] |= checkpoint["resume"].pop("buffers", {})

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self.loaded = checkpoint["resume"]

    def _note(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, LightningTask)
        self.is_current = True
        self.boundary = {
            "loops": copy.deepcopy(trainer.fit_loop.state_dict()),
            "loss_sums": copy.copy(pl_module.loss_sums),
            "metrics": dict(trainer.callback_metrics),
            "accumulate_grad_batches": trainer.accumulate_grad_batches,
            "num_batches": trainer.fit_loop.epoch_loop.batch_progress.current.ready,
            "random": _random_state(),
            # such as batch norm's, which a forward pass changes
            "buffers": {name: value.clone() for name, value in _buffers(pl_module.task)},
        }

    def _save(self, trainer: Trainer) -> None:
        save_without_waiting(trainer, self.path)
        self.saved = time.monotonic()


def _is_sharded(trainer: Trainer) -> bool:
    """Whether all devices must take part in saving, which a signal or a clock cannot make them do."""
    return trainer.strategy.restore_checkpoint_after_setup


def _buffers(module: nn.Module) -> list[tuple[str, Tensor]]:
    kept = module.state_dict().keys()
    return [(name, value) for name, value in module.named_buffers() if name in kept]


def _parameters(trainer: Trainer, module: LightningModule) -> list[list[str]]:
    """The names of those that each group of the optimizer holds."""
    assert isinstance(module, LightningTask)
    names = {id(parameter): name for name, parameter in module.task.named_parameters()}
    groups = trainer.optimizers[0].param_groups
    return [[names[id(parameter)] for parameter in group["params"]] for group in groups]


def _places(group: int, names: list[str]) -> list[tuple[int, str]]:
    return [(group, name) for name in names]


def _counts(progress: dict[str, Any]) -> list[dict[str, int]]:
    return [progress["total"], progress["current"]]


def _random_state() -> dict[str, Any]:
    """Of every generator that a training may draw from, as what loads without running code."""
    name, keys, *rest = cast(tuple[Any, ...], np.random.get_state())
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [name, torch.from_numpy(keys.astype(np.int64)), *rest],
        "python": random.getstate(),
    }


def _set_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    random.setstate(state["python"])
