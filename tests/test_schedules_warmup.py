"""Warm-ups of few steps, and how they are set."""

import pytest
from test_schedules import LR, WARMUPS, run, start

from stages.schedules.warmup import Warmup


@pytest.mark.parametrize("cls", WARMUPS)
@pytest.mark.parametrize(("total_steps", "warmup_steps"), [(3, 1), (4, 2), (5, 2), (9, 7)])
def test_the_last_of_few_steps_has_the_final_fraction_too(
    cls: type[Warmup], total_steps: int, warmup_steps: int
) -> None:
    rates = run(start(cls, total_steps, warmup_steps=warmup_steps, final_fraction=0.25), total_steps)
    assert rates[-1] == pytest.approx(0.25 * LR)


@pytest.mark.parametrize("cls", WARMUPS)
def test_a_warm_up_is_given_in_one_way(cls: type[Warmup]) -> None:
    cls.check_arguments(warmup_fraction=0.1)
    cls.check_arguments(warmup_steps=0)
    with pytest.raises(ValueError, match="set warmup_fraction or warmup_steps, not both"):
        cls.check_arguments(warmup_fraction=0.1, warmup_steps=0)
