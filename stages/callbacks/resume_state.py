"""The state that a stopped training resumes from: an epoch's start, or the batch at which a signal came."""

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

SAVE_SECONDS = 600.0  # the most that a SIGKILL or a power cut costs, however long epochs are


class ResumeState(Callback):
    """Saves the full state of training at ``path``.

    It saves at the start of every epoch, every ten minutes, and when a signal ends the training: then the
    state of the last optimizer step, or of the start of an unfinished validation. If weights are sharded
    (FSDP, DeepSpeed), only at the start of every epoch. Must be the first callback, so that signals wait
    while anything but the model runs (``Interruptible``).
    """

    def __init__(self, path: Path, keep_end: bool = False) -> None:
        """``keep_end``: also save the state from which a finished training can resume, at ``end``."""
        self.path, self.end = path, path.with_name("end.ckpt")
        self.keep_end = keep_end
        self.boundary: dict[str, Any] = {}  # all that changes between optimizer steps, as of the last one
        self.is_current = True  # whether training can resume from there: no validation has ended since
        self.loaded: dict[str, Any] = {}
        self.own_steps: int | None = None  # accumulate_grad_batches, while the state's value is in force
        self.saved = time.monotonic()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        hold_exit()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        now = _parameters(trainer, pl_module)
        if self.loaded and self.loaded["parameters"] != now:
            moved = {place for group in enumerate(now) for place in _places(*group)}
            moved ^= {place for group in enumerate(self.loaded["parameters"]) for place in _places(*group)}
            raise ValueError(
                "train.resume_from: the optimizer had other parameters or other groups, for instance for"
                f" {', '.join(sorted({name for _, name in moved})[:3])}; restore the former train.groups, or"
                " start from weights alone"
            )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, LightningTask)
        take_signals()  # replaces Lightning's handlers, which end a training between two states
        if self.loaded:  # after the sanity check, which has its own sums and metrics
            pl_module.loss_sums = self.loaded["loss_sums"]
            trainer.callback_metrics.update(self.loaded["metrics"])
            if not self.loaded["num_batches"]:
                end_restart(trainer)
            elif self.loaded["num_training_batches"] != trainer.num_training_batches:
                raise ValueError(
                    f"train.resume_from: the state is after {self.loaded['num_batches']} batches of an epoch"
                    f" that had {self.loaded['num_training_batches']} and now has"
                    f" {trainer.num_training_batches}: restore train.batching and the data, or start from"
                    " weights alone"
                )
            if self.loaded["random"]:
                _set_random_state(self.loaded["random"])

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.accumulate_grad_batches = self.own_steps or trainer.accumulate_grad_batches
        self.own_steps = None
        self._note(trainer, pl_module)
        # the state before the epoch: its counts are made again, and EpochSeed seeds again
        for counts in _counts(self.boundary["loops"]["epoch_progress"]):
            counts["ready"] -= 1
        self.boundary |= {"num_batches": 0, "random": None}
        if trainer.global_step:
            self._save(trainer)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        steps = self.loaded.pop("accumulate_grad_batches", None)
        if steps and self.loaded["num_batches"]:  # a callback may have set it at the start of this epoch
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
            # validation has no state of its own: it starts again with no batch done
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
        # otherwise Lightning withholds a metric from its schedule in a resumed epoch
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
        release_exit()  # a signal that came ends training now; later ones wait for the loggers
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
            # such as batch norm's, which forward passes change
            "buffers": {name: value.clone() for name, value in _buffers(pl_module.task)},
        }

    def _save(self, trainer: Trainer) -> None:
        save_without_waiting(trainer, self.path)
        self.saved = time.monotonic()


def _is_sharded(trainer: Trainer) -> bool:
    """Whether all devices must take part in saving, which a signal or a timer cannot coordinate."""
    return trainer.strategy.restore_checkpoint_after_setup


def _buffers(module: nn.Module) -> list[tuple[str, Tensor]]:
    kept = module.state_dict().keys()
    return [(name, value) for name, value in module.named_buffers() if name in kept]


def _parameters(trainer: Trainer, module: LightningModule) -> list[list[str]]:
    """The names of the parameters in each group of the optimizer."""
    assert isinstance(module, LightningTask)
    names = {id(parameter): name for name, parameter in module.task.named_parameters()}
    groups = trainer.optimizers[0].param_groups
    return [[names[id(parameter)] for parameter in group["params"]] for group in groups]


def _places(group: int, names: list[str]) -> list[tuple[int, str]]:
    return [(group, name) for name in names]


def _counts(progress: dict[str, Any]) -> list[dict[str, int]]:
    return [progress["total"], progress["current"]]


def _random_state() -> dict[str, Any]:
    """The state of every random generator of a training, in types that load without running code."""
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
