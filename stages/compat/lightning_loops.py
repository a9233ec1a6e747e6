"""The state of Lightning's loops within an epoch, which has no public interface."""

from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.loops.loop import _Loop

SEEN_WITH = {"lightning": ("2.6",)}


def is_between_steps(trainer: Trainer) -> bool:
    """Whether the last batch made no optimizer step: its gradients are still being accumulated."""
    return trainer.fit_loop._should_accumulate()


def validates_next(trainer: Trainer) -> bool:
    """Whether a validation follows the last batch."""
    loop = trainer.fit_loop
    assert loop._data_fetcher
    return loop.epoch_loop._should_check_val_fx(loop._data_fetcher)


def end_restart(trainer: Trainer) -> None:
    """Tell all loops that the restart from a checkpoint is over. With max_steps, the setter of the fit loop
    ignores this.
    """
    _Loop.restarting.fset(trainer.fit_loop, False)  # type: ignore[attr-defined]


def save_without_waiting(trainer: Trainer, path: Path) -> None:
    """trainer.save_checkpoint without waiting for other devices, which a signal may have ended."""
    trainer.strategy.save_checkpoint(trainer._checkpoint_connector.dump_checkpoint(False), path)
