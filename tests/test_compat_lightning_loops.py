"""The state of Lightning in an epoch of four batches, with two batches per step."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.data import DataLoader

from stages.compat.lightning_loops import (
    end_restart,
    is_between_steps,
    save_without_waiting,
    validates_next,
)


class Model(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: torch.Tensor, batch_index: int) -> torch.Tensor:
        return self.layer(batch).sum()

    def validation_step(self, batch: torch.Tensor, batch_index: int) -> None: ...

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Seen(Callback):
    def __init__(self) -> None:
        self.places: list[tuple[bool, bool]] = []
        self.saved: Path | None = None

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.places.append((is_between_steps(trainer), validates_next(trainer)))

    def on_train_end(self, trainer: Trainer, *_: Any) -> None:
        if self.saved:
            save_without_waiting(trainer, self.saved)


def trained(folder: Path, seen: Seen, checkpoint: Path | None = None, **settings: Any) -> Trainer:
    trainer = Trainer(
        accelerator="cpu", accumulate_grad_batches=2, val_check_interval=2, callbacks=[seen], logger=False,
        default_root_dir=folder, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, **settings,
    )  # fmt: skip
    batches = DataLoader(torch.ones(4, 1), batch_size=1)
    trainer.fit(Model(), batches, batches, ckpt_path=checkpoint)
    return trainer


def test_it_tells_steps_and_validations(tmp_path: Path) -> None:
    seen = Seen()
    trained(tmp_path, seen, max_epochs=1)
    assert seen.places == [(True, False), (False, True), (True, False), (False, True)]


def test_a_saved_state_is_resumed_and_no_loop_takes_the_rest_for_the_resumed_part(tmp_path: Path) -> None:
    seen = Seen()
    seen.saved = tmp_path / "state.ckpt"
    trained(tmp_path, seen, max_epochs=1)

    class Resumed(Seen):
        def on_train_start(self, trainer: Trainer, *_: Any) -> None:
            loops = (trainer.fit_loop, trainer.fit_loop.epoch_loop, trainer.fit_loop.epoch_loop.val_loop)
            trainer.fit_loop.restarting = True
            assert all(loop.restarting for loop in loops)
            end_restart(trainer)
            assert not any(loop.restarting for loop in loops)

    trainer = trained(tmp_path, Resumed(), seen.saved, max_steps=4)
    assert trainer.global_step == 4
