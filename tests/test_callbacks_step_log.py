"""The loss that loggers get for a step of any number of batches."""

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers.logger import DummyLogger
from torch import Tensor
from torch.utils.data import DataLoader

from stages.callbacks.step_log import StepLog


class Slope(LightningModule):
    """A weight at 0, for which a batch of 3 has the loss 3 and the gradient 3."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch: Tensor) -> Tensor:
        return (batch * (1 + self.weight)).sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


class Noted(DummyLogger):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[int | None, dict[str, float]]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.rows.append((step, {name: metrics[name] for name in metrics if name.endswith("_step")}))


@pytest.mark.parametrize(
    ("batches_a_step", "every", "expected"),
    [
        (1, 1, [(1, 3, 3), (2, 5, 5), (3, 3, 3), (4, 7, 7)]),
        # the last batch's loss; the gradient is the mean of both
        (2, 1, [(1, 5, (3 + 5) / 2), (2, 7, (3 + 7) / 2)]),
        (4, 1, [(1, 7, (3 + 5 + 3 + 7) / 4)]),
        (1, 2, [(2, 5, 5), (4, 7, 7)]),
    ],
)
def test_the_loss_of_a_step_is_that_of_a_batch_and_not_divided_by_the_batches_of_the_step(
    batches_a_step: int, every: int, expected: list[tuple[int, float, float]]
) -> None:
    noted = Noted()
    trainer = Trainer(
        accelerator="cpu",
        accumulate_grad_batches=batches_a_step,
        log_every_n_steps=every,
        max_epochs=1,
        logger=noted,
        callbacks=[StepLog()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Slope(), DataLoader([3.0, 5.0, 3.0, 7.0]))
    found = [
        (step, row["train_loss_step"], row["grad_norm_step"])
        for step, row in noted.rows
        if "train_loss_step" in row
    ]
    assert found == [pytest.approx(row) for row in expected]
