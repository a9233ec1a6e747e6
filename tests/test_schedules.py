"""Warm-up and cosine, step by step."""

from itertools import pairwise

import lightning
import numpy as np
import pytest
import torch
from torch.optim import SGD
from torch.utils.data import DataLoader

from stages.batching.batch import Example, collate
from stages.schedules.warmup_cosine import WarmupCosine
from stages.schema.params import Schedule
from stages.schema.part import Part
from stages.tasks.optimization import Optimization
from stages.tokens.characters import Characters

LR = 0.02


def start(total_steps: int = 100, warmup_fraction: float = 0.1, final_fraction: float = 0.01) -> WarmupCosine:
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    return WarmupCosine(optimizer, total_steps, warmup_fraction, final_fraction)


def run(schedule: WarmupCosine, num_steps: int) -> list[float]:
    """The learning rates of this many optimizer steps."""
    rates = []
    for _ in range(num_steps):
        rates.append(float(schedule.get_last_lr()[0]))
        schedule.optimizer.step()
        schedule.step()
    return rates


def test_the_rate_rises_by_the_same_amount_at_every_step_of_the_warm_up() -> None:
    assert run(start(), 10) == pytest.approx([LR * step / 10 for step in range(1, 11)])


@pytest.mark.parametrize("total_steps", [1, 2, 7, 100, 1001])
def test_the_highest_rate_is_exactly_the_learning_rate(total_steps: int) -> None:
    assert max(run(start(total_steps), total_steps)) == LR


@pytest.mark.parametrize("warmup_fraction", [0.0, 0.1, 0.5, 1.0])
def test_the_rate_never_rises_after_the_warm_up(warmup_fraction: float) -> None:
    rates = run(start(warmup_fraction=warmup_fraction), 130)
    after = rates[rates.index(LR) :]
    assert all(later <= earlier for earlier, later in pairwise(after))


@pytest.mark.parametrize("final_fraction", [0.0, 0.01, 0.5, 1.0])
def test_the_last_step_has_the_final_fraction(final_fraction: float) -> None:
    assert run(start(final_fraction=final_fraction), 100)[-1] == pytest.approx(final_fraction * LR)


def test_after_the_last_step_the_rate_stays() -> None:
    assert run(start(), 120)[100:] == pytest.approx([0.01 * LR] * 20)


def test_halfway_down_the_cosine_is_in_the_middle() -> None:
    rates = run(start(total_steps=111, warmup_fraction=10 / 111, final_fraction=0.0), 111)
    assert rates[60] == pytest.approx(LR / 2)


def test_without_warm_up_the_first_step_has_the_learning_rate() -> None:
    assert run(start(warmup_fraction=0.0), 1) == [LR]


@pytest.mark.parametrize(("interval", "total"), [("step", 300), ("epoch", 20)])
def test_a_schedule_is_told_how_often_it_will_be_stepped(interval: str, total: int) -> None:
    part = Schedule(class_path="stages.schedules.warmup_cosine.WarmupCosine", interval=interval)  # type: ignore[arg-type]
    optimization = Optimization(LR, Part(class_path="torch.optim.SGD"), part)
    configured = optimization.configure(torch.nn.Linear(1, 1), total_steps=300, total_epochs=20)
    rates = run(configured["lr_scheduler"]["scheduler"], total)
    assert rates[total // 10 - 1] == LR
    assert rates[-1] == pytest.approx(0.01 * LR)


def test_an_epoch_schedule_ends_with_the_last_epoch_of_training() -> None:
    tokens = Characters()
    tokens.fit(["ab"])
    encoder = {"class_path": "stages.models.simple_ctc.SimpleCTC", "init_args": {"hidden_size": 4}}
    task = Part(class_path="stages.tasks.ctc.CTC", init_args={"encoder": encoder}).build(
        tokens=tokens, num_features=2
    )
    schedule = Schedule(class_path="stages.schedules.warmup_cosine.WarmupCosine", interval="epoch")
    task.optimization = Optimization(LR, Part(class_path="torch.optim.SGD"), schedule)
    batches = [collate([Example("", np.ones((4, 2), np.float32), [1, 2], "ab")])] * 6
    trainer = lightning.Trainer(
        max_epochs=4, accumulate_grad_batches=2, accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(task, DataLoader(batches, batch_size=None))  # type: ignore[arg-type]
    assert trainer.global_step == 4 * 6 // 2
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.01 * LR)


@pytest.mark.parametrize("interrupted_at", [4, 37])
def test_a_resumed_schedule_goes_on_where_it_was(interrupted_at: int) -> None:
    whole = run(start(), 100)
    before, resumed = start(), start()
    run(before, interrupted_at)
    resumed.optimizer.load_state_dict(before.optimizer.state_dict())
    resumed.load_state_dict(before.state_dict())
    assert run(resumed, 100 - interrupted_at) == whole[interrupted_at:]
