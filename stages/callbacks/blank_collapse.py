"""Stop a training that recognises nothing and does not learn to."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

ALL_BLANK = 0.999
IMPROVEMENT = 0.01


class BlankCollapse(Callback):
    """Ends training with advice when it has collapsed to the blank.

    With CTC every training begins with only blanks, some for thousands of steps, while the loss still
    falls. So training ends after ``num_validations`` validations and ``num_steps`` steps, counted after the
    first epoch and the learning rate's warm-up, in which the model recognised only blanks and val_loss did
    not fall by 1 %. The counts are part of the resume state. Tasks that do not log val_blank_ratio are
    ignored.
    """

    def __init__(self, num_validations: int = 5, num_steps: int = 2000) -> None:
        self.num_validations = num_validations
        self.num_steps = num_steps
        self.highest_lr = 0.0
        self.stretch: dict[str, float] | None = None  # loss and step at its start, validations since

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        logged = trainer.callback_metrics
        if trainer.sanity_checking or "val_blank_ratio" not in logged:
            return
        lr, loss = trainer.optimizers[0].param_groups[0]["lr"], logged["val_loss"].item()
        rising, self.highest_lr = lr > self.highest_lr, max(lr, self.highest_lr)
        if logged["val_blank_ratio"] < ALL_BLANK or rising or not trainer.current_epoch:
            self.stretch = None
        elif self.stretch is None or loss < (1 - IMPROVEMENT) * self.stretch["loss"]:
            self.stretch = {"loss": loss, "step": trainer.global_step, "validations": 0}
        else:
            self.stretch["validations"] += 1
            self._judge(trainer.global_step - self.stretch["step"])

    def _judge(self, steps: float) -> None:
        assert self.stretch
        if self.stretch["validations"] < self.num_validations or steps < self.num_steps:
            return
        raise ValueError(
            f"the model has collapsed to the blank: in the last {self.stretch['validations']} validations"
            f" ({steps} steps) it recognised nothing, and val_loss did not fall by 1 % from"
            f" {self.stretch['loss']:.4f}. Lower lr; give train.schedule a longer warm-up; check in"
            " data/manifest/train.json that the transcripts match the audio; give the encoder more frames"
            " per second (less subsampling, a shorter frame shift) if it has hardly more than tokens"
        )

    def state_dict(self) -> dict[str, Any]:
        return {"highest_lr": self.highest_lr, "stretch": self.stretch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.highest_lr, self.stretch = state_dict["highest_lr"], state_dict["stretch"]
