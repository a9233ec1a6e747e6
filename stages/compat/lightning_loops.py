"""Where Lightning's loops are within an epoch, which its public interface does not tell."""

from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.loops.loop import _Loop

SEEN_WITH = {"lightning": ("2.6",)}


def is_between_steps(trainer: Trainer) -> bool:
    """Whether the batch that ended made no optimizer step: its gradients are still added up."""
    return trainer.fit_loop._should_accumulate()


def validates_next(trainer: Trainer) -> bool:
    """Whether a validation follows the batch that ended."""
    loop = trainer.fit_loop
    assert loop._data_fetcher
    return loop.epoch_loop._should_check_val_fx(loop._data_fetcher)


def end_restart(trainer: Trainer) -> None:
    """Tell every loop that what follows is no longer what was resumed. With max_steps, their own setter
    ignores it.
    """
    _Loop.restarting.fset(trainer.fit_loop, False)  # type: ignore[attr-defined]


def save_without_waiting(trainer: Trainer, path: Path) -> None:
    """As trainer.save_checkpoint, without waiting for other devices: a signal may have ended them."""
    trainer.strategy.save_checkpoint(trainer._checkpoint_connector.dump_checkpoint(False), path)
