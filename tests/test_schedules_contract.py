"""Every schedule of stages/schedules: what the train stage needs of a PyTorch scheduler."""

import io
from itertools import pairwise

import pytest
import torch
from family import classes_of, part_of
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from stages.schedules.warmup import Warmup
from stages.schedules.warmup_cosine import WarmupCosine
from stages.schedules.warmup_linear import WarmupLinear
from stages.schema.families import Schedule
from stages.schema.params import Group
from stages.schema.part import Part
from stages.tasks.optimization import Optimization

SCHEDULES = classes_of(LRScheduler, "stages.schedules")
LR, SCALE = 0.5, 0.25
SGD = Part(class_path="torch.optim.SGD")


class Training:
    """An optimizer with two groups, the second at a fraction of the rate, and its schedule."""

    def __init__(self, cls: type[LRScheduler], total_steps: int) -> None:
        schedule = Schedule(**part_of(cls).model_dump())
        groups = [Group(pattern="1.*", lr_scale=SCALE)]
        model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
        found = Optimization(LR, SGD, schedule, groups).configure(model, total_steps, 1)
        self.optimizer, self.schedule = found["optimizer"], found["lr_scheduler"]["scheduler"]

    def run(self, num_steps: int) -> list[tuple[float, float]]:
        """The rates of both groups for a number of steps."""
        rates = []
        for _ in range(num_steps):
            first, second = (float(group["lr"]) for group in self.optimizer.param_groups)
            rates.append((first, second))
            self.optimizer.step()
            self.schedule.step()
        return rates


@pytest.fixture(params=SCHEDULES, ids=lambda cls: cls.__name__)
def cls(request: pytest.FixtureRequest) -> type[LRScheduler]:
    found: type[LRScheduler] = request.param
    return found


def test_the_schedules_are_found() -> None:
    assert {WarmupCosine, WarmupLinear} <= set(SCHEDULES)


@pytest.mark.parametrize("total_steps", [1, 2, 7, 100])
def test_a_training_of_any_length_has_rates_up_to_the_learning_rate(
    cls: type[LRScheduler], total_steps: int
) -> None:
    rates = [first for first, _ in Training(cls, total_steps).run(total_steps)]
    assert all(0 <= rate <= LR for rate in rates)
    assert any(rates)


def test_a_group_has_its_share_of_the_rate_at_every_step(cls: type[LRScheduler]) -> None:
    for first, second in Training(cls, 50).run(50):
        assert second == pytest.approx(SCALE * first, rel=1e-9)


@pytest.mark.parametrize("done", [1, 13, 49])
def test_a_resumed_training_has_the_rates_of_one_that_was_never_stopped(
    cls: type[LRScheduler], done: int
) -> None:
    stopped, resumed = Training(cls, 50), Training(cls, 50)
    before = stopped.run(done)
    file = io.BytesIO()
    torch.save([stopped.optimizer.state_dict(), stopped.schedule.state_dict()], file)
    file.seek(0)
    optimizer, schedule = torch.load(file, weights_only=True)
    resumed.optimizer.load_state_dict(optimizer)
    resumed.schedule.load_state_dict(schedule)
    assert before + resumed.run(50 - done) == Training(cls, 50).run(50)


@pytest.mark.parametrize("cls", classes_of(Warmup))
def test_what_remains_goes_from_all_to_nothing(cls: type[Warmup]) -> None:
    remaining = [cls.remaining(progress / 20) for progress in range(21)]
    assert (remaining[0], remaining[-1]) == (pytest.approx(1.0), pytest.approx(0.0))
    assert all(later <= earlier for earlier, later in pairwise(remaining))
