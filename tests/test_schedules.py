"""Warm-up and cosine, step by step."""

from itertools import pairwise

import pytest
import torch
from torch.optim import SGD

from stages.schedules.warmup_cosine import WarmupCosine

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


@pytest.mark.parametrize("interrupted_at", [4, 37])
def test_a_resumed_schedule_goes_on_where_it_was(interrupted_at: int) -> None:
    whole = run(start(), 100)
    before, resumed = start(), start()
    run(before, interrupted_at)
    resumed.optimizer.load_state_dict(before.optimizer.state_dict())
    resumed.load_state_dict(before.state_dict())
    assert run(resumed, 100 - interrupted_at) == whole[interrupted_at:]
