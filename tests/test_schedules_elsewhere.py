"""The pages' equivalents of other systems' schedules, copied from there."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawn_schedule import EPOCHS, LR, first_rates
from ruamel.yaml import YAML

from stages.preflight.reading import read_params

PAGE = Path(__file__).parents[1] / "docs" / "coming-from.md"
ROW = re.compile(r"\| `(\w+)`.*? \| `(\{class_path: .*?\})`[,;( |]")
STEPS = 300
TOTAL = EPOCHS * STEPS
FLOOR = 1e-6 / LR
# The fraction of lr that the other systems have in the first step of the second epoch.
ELSEWHERE = {
    "StepLR": 1.0,  # a tenth every two epochs
    "MultiStepLR": 1.0,  # a tenth from epoch 10
    "ExponentialLR": 0.99,
    "ReduceLROnPlateau": 1.0,
    "cosine": FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi / 50)) / 2,
    "cosine_with_warmup": (STEPS + 1) / 500,
    "linear_warmup": (STEPS + 1) / (0.1 * TOTAL),
    "onecycle": 1 / 25 + (1 - 1 / 25) * STEPS / (0.3 * TOTAL - 1),
}


def rows() -> dict[str, str]:
    """The value of train.schedule, by the first of the other systems' names."""
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition("| `train.schedule` |\n|---|---|\n")[2].partition("\n\n")[0]
    found = {line: ROW.match(line) for line in table.splitlines()}
    assert all(found.values()), [line for line, row in found.items() if not row]
    return {row[1]: row[2] for row in found.values() if row}


def test_every_row_has_a_schedule_that_can_be_copied() -> None:
    assert set(rows()) == set(ELSEWHERE)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_copied_row_has_the_rate_of_the_other_system_after_an_epoch(
    name: str, write_params: Callable[..., Path]
) -> None:
    copied: Any = YAML(typ="safe", pure=True).load(rows()[name])
    schedule = read_params(write_params({"train.schedule": copied})).train.schedule
    assert schedule
    rates = first_rates(schedule, STEPS)
    assert len(rates) == STEPS + 1
    assert rates[-1] == pytest.approx(ELSEWHERE[name] * LR)
