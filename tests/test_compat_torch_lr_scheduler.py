"""Steps of a schedule whose optimizer made them in another process."""

import warnings

import pytest
import torch
from torch.optim.lr_scheduler import ExponentialLR

from stages.compat.torch_lr_scheduler import step_alone


def halving() -> tuple[torch.optim.SGD, ExponentialLR]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    return optimizer, ExponentialLR(optimizer, gamma=0.5)


def test_it_steps_without_a_warning() -> None:
    optimizer, schedule = halving()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step_alone(schedule, optimizer, 3)
    assert schedule.get_last_lr() == [0.125]


def test_torch_itself_warns() -> None:
    _, schedule = halving()
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        schedule.step()
