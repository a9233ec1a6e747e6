"""The lines printed after a validation."""

from types import SimpleNamespace as Namespace
from typing import Any

import pytest
from training_project import tone_tokens

from stages.callbacks.lightning_task import LightningTask
from stages.callbacks.validation_report import ValidationReport
from stages.schema.part import Part
from stages.tasks.optimization import Optimization
from stages.tasks.task import Hypothesis, Task


def test_long_texts_are_cut_and_short_ones_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    task = Task(tone_tokens(), metrics=[])
    module = LightningTask(task, Optimization(0.1, Part(class_path="torch.optim.SGD"), None))
    module.validated = [("a", "x" * 201, Hypothesis("y" * 5000)), ("b", "x" * 200, Hypothesis(""))]
    pace: Any = Namespace(hours_per_hour=lambda: 1.0, time_left=lambda _: "")
    trainer: Any = Namespace(sanity_checking=False, callback_metrics={}, max_epochs=2, current_epoch=0)
    ValidationReport(pace).on_validation_end(trainer, module)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  a", f"    reference  {'x' * 199}\u2026", f"    hypothesis {'y' * 199}\u2026",
        "  b", f"    reference  {'x' * 200}", "    hypothesis ",
    ]  # fmt: skip
