"""Every schedule in the pages, stepped as in training, against its definition."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch
from drawn_schedule import EPOCHS, LR, SCALE, STEPS, TOTAL, Interval, Rates, drawn
from family import classes_of
from torch.optim import SGD
from torch.utils.data import DataLoader

from stages.batching.batch import Example, collate
from stages.callbacks.lightning_task import LightningTask
from stages.schedules.warmup import Warmup
from stages.schema.families import Schedule
from stages.schema.part import Part
from stages.tasks.optimization import Optimization
from stages.tokens.characters import Characters

WARMUPS = classes_of(Warmup)


@dataclass(frozen=True)
class Definition:
    """``rate(k, n)``: step k of n as a fraction of lr, by definition; it rises until step ``peak(n)``."""

    class_path: str
    rate: Callable[[int, int], float]
    peak: Callable[[int], int] = lambda _: 0
    arguments: Callable[[int], dict[str, Any]] = lambda _: {}
    intervals: tuple[Interval, ...] = ("step", "epoch")


def cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    return 1 - progress


def warmed_up(shape: Callable[[float], float], warmup: int, k: int, n: int) -> float:
    return (k + 1) / warmup if k < warmup else 0.01 + 0.99 * shape((k - warmup) / (n - 1 - warmup))


def one_cycle(shape: Callable[[float], float], k: int, n: int) -> float:
    """From 1/25 up to 1 at 30 % of the steps, down to 1/250,000 at the last."""
    peak = 0.3 * n - 1
    if k <= peak:
        return 1 - (1 - 1 / 25) * shape(k / peak)
    return 4e-6 + (1 - 4e-6) * shape((k - peak) / (n - 1 - peak))


def plateau(k: int, n: int) -> float:
    """VAL_LOSSES fall last in epoch 1. The third epoch after that halves the rate (patience 2); after the
    cool-down of an epoch and three more it is halved again; 0.3 is the minimum."""
    return 1.0 if k <= 4 else 0.5 if k <= 8 else 0.3


TORCH = "torch.optim.lr_scheduler"
OURS = "stages.schedules"
DEFINITIONS = {
    "StepLR": Definition(
        f"{TORCH}.StepLR", lambda k, _: 0.5 ** (k // 4), arguments=lambda _: {"step_size": 4, "gamma": 0.5}
    ),
    "MultiStepLR": Definition(
        f"{TORCH}.MultiStepLR",
        lambda k, _: 0.1 ** ((k >= 3) + (k >= 8)),
        arguments=lambda _: {"milestones": (3, 8), "gamma": 0.1},
    ),
    "ExponentialLR": Definition(
        f"{TORCH}.ExponentialLR", lambda k, _: 0.95**k, arguments=lambda _: {"gamma": 0.95}
    ),
    "ReduceLROnPlateau": Definition(
        f"{TORCH}.ReduceLROnPlateau",
        plateau,
        arguments=lambda _: {"factor": 0.5, "patience": 2, "cooldown": 1, "min_lr": 0.3 * LR},
        intervals=("epoch",),
    ),
    "CosineAnnealingLR": Definition(
        f"{TORCH}.CosineAnnealingLR", lambda k, n: cosine(k / (n - 1)), arguments=lambda n: {"T_max": n - 1}
    ),
    "OneCycleLR, cos": Definition(
        f"{TORCH}.OneCycleLR", lambda k, n: one_cycle(cosine, k, n), peak=lambda n: int(0.3 * n)
    ),
    "OneCycleLR, linear": Definition(
        f"{TORCH}.OneCycleLR",
        lambda k, n: one_cycle(linear, k, n),
        peak=lambda n: int(0.3 * n),
        arguments=lambda _: {"anneal_strategy": "linear", "cycle_momentum": False},
    ),
    "WarmupCosine": Definition(
        f"{OURS}.warmup_cosine.WarmupCosine",
        lambda k, n: warmed_up(cosine, round(0.1 * n), k, n),
        peak=lambda n: round(0.1 * n),
    ),
    "WarmupLinear": Definition(
        f"{OURS}.warmup_linear.WarmupLinear",
        lambda k, n: warmed_up(linear, 4, k, n),
        peak=lambda _: 4,
        arguments=lambda _: {"warmup_steps": 4},
    ),
}  # fmt: skip
CASES = [(name, interval) for name, found in DEFINITIONS.items() for interval in found.intervals]


def draw(name: str, interval: Interval, interrupted: bool = False) -> Rates:
    definition = DEFINITIONS[name]
    arguments = tuple(definition.arguments(TOTAL[interval]).items())
    return drawn(definition.class_path, interval, arguments, interrupted)


def defined(name: str, interval: Interval) -> list[float]:
    """The rate of every optimizer step, by definition."""
    total = TOTAL[interval]
    rates = [LR * DEFINITIONS[name].rate(k, total) for k in range(total)]
    return rates if interval == "step" else [rate for rate in rates for _ in range(STEPS)]


@pytest.mark.parametrize(("name", "interval"), CASES)
def test_every_step_has_the_rate_that_the_definition_says(name: str, interval: Interval) -> None:
    assert draw(name, interval).rest == pytest.approx(defined(name, interval), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("name", "interval"), CASES)
def test_the_rate_never_rises_once_it_has_warmed_up(name: str, interval: Interval) -> None:
    peak = DEFINITIONS[name].peak(TOTAL[interval]) * (1 if interval == "step" else STEPS)
    assert all(later <= earlier for earlier, later in pairwise(draw(name, interval).rest[peak:]))


# test_resume.py has the one that follows a metric: Lightning steps it after saving the state
@pytest.mark.parametrize(("name", "interval"), [case for case in CASES if case[0] != "ReduceLROnPlateau"])
def test_a_resumed_training_has_the_rates_of_one_that_was_never_stopped(
    name: str, interval: Interval
) -> None:
    assert draw(name, interval, interrupted=True) == draw(name, interval)


@pytest.mark.parametrize(("name", "interval"), CASES)
def test_a_group_has_its_share_of_the_rate_at_every_step(name: str, interval: Interval) -> None:
    rates = draw(name, interval)
    assert rates.scaled == pytest.approx([SCALE * rate for rate in rates.rest], rel=1e-9, abs=1e-15)


def test_one_cycle_turns_the_momentum_the_other_way_unless_told_not_to() -> None:
    cycled = draw("OneCycleLR, cos", "step").momentum
    assert (cycled[0], min(cycled), cycled[-1]) == pytest.approx((0.95, 0.85, 0.95), abs=1e-3)
    assert set(draw("OneCycleLR, linear", "step").momentum) == {0.9}


def test_the_schedules_can_be_looked_at(tmp_path: Path) -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(15, 15), layout="constrained")
    axes = figure.subplots(3, 3).flat
    for axis, (name, definition) in zip(axes, DEFINITIONS.items(), strict=True):
        for interval in definition.intervals:
            axis.plot(defined(name, interval), color="0.8", linewidth=6, drawstyle="steps-post")
            axis.plot(draw(name, interval).rest, drawstyle="steps-post", label=f"by {interval}")
        axis.set(title=name, xlabel="optimizer step", ylabel="learning rate")
        axis.legend()
    picture = Path(os.environ.get("EARSHOT_PICTURES", tmp_path)) / "schedules.png"
    figure.savefig(picture)
    assert picture.stat().st_size > 10_000


def start(cls: type[Warmup], total_steps: int = 100, **arguments: Any) -> Warmup:
    schedule: Warmup = cls(SGD([torch.zeros(1, requires_grad=True)], lr=LR), total_steps, **arguments)
    return schedule


def run(schedule: Warmup, num_steps: int) -> list[float]:
    """The learning rates of a number of optimizer steps."""
    rates = []
    for _ in range(num_steps):
        rates.append(float(schedule.get_last_lr()[0]))
        schedule.optimizer.step()
        schedule.step()
    return rates


@pytest.mark.parametrize("cls", WARMUPS)
@pytest.mark.parametrize("total_steps", [1, 2, 7, 100, 1001])
def test_the_highest_rate_is_exactly_the_learning_rate(cls: type[Warmup], total_steps: int) -> None:
    assert max(run(start(cls, total_steps), total_steps)) == LR


@pytest.mark.parametrize("cls", WARMUPS)
@pytest.mark.parametrize("warmup_fraction", [0.0, 0.1, 0.5, 1.0])
def test_the_rate_rises_evenly_and_never_again_after_the_warm_up(
    cls: type[Warmup], warmup_fraction: float
) -> None:
    rates = run(start(cls, warmup_fraction=warmup_fraction), 130)
    warmup = max(1, round(100 * warmup_fraction))
    assert rates[:warmup] == pytest.approx([LR * step / warmup for step in range(1, warmup + 1)])
    assert all(later <= earlier for earlier, later in pairwise(rates[warmup - 1 :]))


@pytest.mark.parametrize("cls", WARMUPS)
@pytest.mark.parametrize("final_fraction", [0.0, 0.01, 0.5, 1.0])
def test_the_last_step_has_the_final_fraction_and_the_rate_stays_there(
    cls: type[Warmup], final_fraction: float
) -> None:
    assert run(start(cls, final_fraction=final_fraction), 120)[99:] == pytest.approx(
        [final_fraction * LR] * 21
    )


@pytest.mark.parametrize("cls", WARMUPS)
def test_halfway_down_the_rate_is_in_the_middle(cls: type[Warmup]) -> None:
    assert run(start(cls, 111, warmup_steps=10, final_fraction=0.0), 111)[60] == pytest.approx(LR / 2)


@pytest.mark.parametrize("cls", WARMUPS)
@pytest.mark.parametrize(("warmup_steps", "peak"), [(0, 0), (1, 0), (20, 19), (100, 99), (500, 99)])
def test_a_warm_up_in_steps_takes_them_or_all_that_there_are(
    cls: type[Warmup], warmup_steps: int, peak: int
) -> None:
    assert run(start(cls, warmup_steps=warmup_steps), 100).index(LR) == peak


def test_an_epoch_schedule_ends_with_the_last_epoch_of_training() -> None:
    tokens = Characters()
    tokens.fit(["ab"])
    encoder = {"class_path": "stages.models.simple_ctc.SimpleCTC", "init_args": {"hidden_size": 4}}
    task = Part(class_path="stages.tasks.ctc.CTC", init_args={"encoder": encoder}).build(
        tokens=tokens, num_features=2
    )
    schedule = Schedule(class_path="stages.schedules.warmup_cosine.WarmupCosine", interval="epoch")
    optimization = Optimization(LR, Part(class_path="torch.optim.SGD"), schedule)
    batches = [collate([Example("", np.ones((4, 2), np.float32), [1, 2], "ab")])] * 6
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, accumulate_grad_batches=2, accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(LightningTask(task, optimization), DataLoader(batches, batch_size=None))  # type: ignore[arg-type]
    assert trainer.global_step == EPOCHS * 6 // 2
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.01 * LR)
