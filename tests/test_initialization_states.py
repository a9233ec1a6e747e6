"""Training that starts from a checkpoint: its optimizer's and schedule's states, on request."""

from pathlib import Path
from typing import Any

import pytest
import torch
from test_tasks import SIMPLE, VOCABULARY, build, recipe

from stages.schema.families import Schedule
from stages.schema.params import Group, InitFrom
from stages.schema.part import Part
from stages.tasks.checkpoint import pack
from stages.tasks.initialization import initialize
from stages.tasks.optimization import Optimization

LR = 0.1
ADAMW = Part(class_path="torch.optim.AdamW")
STEP_LR = Schedule(class_path="torch.optim.lr_scheduler.StepLR", init_args={"step_size": 2, "gamma": 0.5})
PLATEAU = Schedule(
    class_path="torch.optim.lr_scheduler.ReduceLROnPlateau", init_args={"patience": 3},
    interval="epoch", monitor="val_loss",
)  # fmt: skip


def lightning_file(folder: Path, schedule: Schedule, *groups: Group, part: Part = ADAMW) -> Any:
    """A file as Lightning writes it after three steps of another training, at ten times the rate."""
    task = build(SIMPLE)
    configured = Optimization(10 * LR, part, schedule, groups).configure(task, 100, 100)
    optimizer, scheduler = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    for _ in range(3):
        for parameter in task.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        scheduler.step(*([5.0] if schedule.monitor else []))
    content = {
        "state_dict": task.state_dict(),
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [scheduler.state_dict()],
    }
    torch.save(content, folder / "model.ckpt")
    return content


def configured(
    folder: Path, schedule: Schedule, *groups: Group, total: int = 100, part: Part = ADAMW, **restore: bool
) -> tuple[torch.optim.Optimizer, Any]:
    task = build(SIMPLE)
    settings = InitFrom(path="model.ckpt", tokens=VOCABULARY, **restore)
    state = initialize(task, recipe(), settings, folder, folder / "init_from.json")
    found = Optimization(LR, part, schedule, groups, state).configure(task, total, total)
    return found["optimizer"], found["lr_scheduler"]["scheduler"]


def test_moments_are_restored_on_request_at_the_learning_rate_of_params(tmp_path: Path) -> None:
    content = lightning_file(tmp_path, STEP_LR)
    assert not configured(tmp_path, STEP_LR)[0].state
    optimizer, scheduler = configured(tmp_path, STEP_LR, restore_optimizer=True)
    restored, saved = optimizer.state_dict()["state"], content["optimizer_states"][0]["state"]
    assert all(restored[index]["exp_avg"].equal(saved[index]["exp_avg"]) for index in range(6))
    assert restored[0]["step"] == 3
    assert optimizer.param_groups[0]["lr"] == LR
    assert scheduler.last_epoch == 0


def test_a_schedule_is_restored_on_request_with_its_learning_rate(tmp_path: Path) -> None:
    lightning_file(tmp_path, STEP_LR)
    optimizer, scheduler = configured(tmp_path, STEP_LR, restore_schedule=True)
    assert not optimizer.state
    assert scheduler.last_epoch == 3
    assert optimizer.param_groups[0]["lr"] == 10 * LR * 0.5
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 10 * LR * 0.25


def test_a_restored_plateau_forgets_the_best_of_other_data(tmp_path: Path) -> None:
    lightning_file(tmp_path, PLATEAU)
    _, scheduler = configured(tmp_path, PLATEAU, restore_schedule=True)
    assert (scheduler.last_epoch, scheduler.num_bad_epochs, scheduler.best) == (3, 2, float("inf"))
    scheduler.step(9.0)
    assert (scheduler.num_bad_epochs, scheduler.best) == (0, 9.0)


def test_states_that_do_not_fit_are_refused_before_a_batch(tmp_path: Path) -> None:
    lightning_file(tmp_path, STEP_LR)
    with pytest.raises(ValueError, match=r"groups of \[6\] parameters, but train\.groups gives \[4, 2\]"):
        configured(tmp_path, STEP_LR, Group(pattern="head.*"), restore_optimizer=True)
    sgd = Part(class_path="torch.optim.SGD", init_args={"momentum": 0.9})
    with pytest.raises(ValueError, match=r"its parameter 0 is .*exp_avg.* but SGD needs .*momentum_buffer"):
        configured(tmp_path, STEP_LR, part=sgd, restore_optimizer=True)
    warmup = Schedule(class_path="stages.schedules.warmup_linear.WarmupLinear")
    with pytest.raises(ValueError, match="is at step 3, but this training has 3; train longer"):
        configured(tmp_path, warmup, total=3, restore_schedule=True)


@pytest.mark.parametrize(
    ("restore", "absent"),
    [
        ({"restore_optimizer": True}, "optimizer_states"),
        ({"restore_schedule": True}, "lr_schedulers and no optimizer_states"),
    ],
)
def test_a_file_without_states_cannot_restore_them(
    tmp_path: Path, restore: dict[str, bool], absent: str
) -> None:
    (tmp_path / "model.ckpt").write_bytes(pack(recipe(), build(SIMPLE).state_dict()))
    settings = InitFrom(path="model.ckpt", **restore)
    with pytest.raises(ValueError, match=f"has no {absent}, which Lightning's own"):
        initialize(build(SIMPLE), recipe(), settings, tmp_path, tmp_path / "init_from.json")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("optimizer_states", {"state": {}}, "optimizer_states: "),
        ("optimizer_states", [7], "optimizer_states.0: "),
        ("optimizer_states", [{"state": {}}], "optimizer_states.0.param_groups: "),
        ("optimizer_states", [{"state": {}, "param_groups": [{"lr": 0.1}]}], "param_groups.0.params: "),
        (
            "optimizer_states",
            [{"state": [], "param_groups": [{"lr": 0.1, "params": [0]}]}],
            "optimizer_states.0.state: ",
        ),
        ("lr_schedulers", {"last_epoch": 3}, "lr_schedulers: "),
        ("lr_schedulers", [{"last_epoch": "3"}], "lr_schedulers.0.last_epoch: "),
    ],
)
def test_states_of_another_layout_are_refused_by_key(
    tmp_path: Path, key: str, value: Any, expected: str
) -> None:
    content = lightning_file(tmp_path, STEP_LR)
    torch.save(content | {key: value}, tmp_path / "model.ckpt")
    with pytest.raises(ValueError, match=rf"model\.ckpt: .*{expected}.*not as Lightning writes it"):
        configured(tmp_path, STEP_LR, restore_optimizer=True, restore_schedule=True)


def test_a_state_of_a_parameter_that_is_none_is_refused(tmp_path: Path) -> None:
    content = lightning_file(tmp_path, STEP_LR)
    content["optimizer_states"][0]["state"][6] = {"step": torch.tensor(3.0)}
    torch.save(content, tmp_path / "model.ckpt")
    with pytest.raises(ValueError, match=r"the optimizer state of its parameter 6 .* needs \{\} there"):
        configured(tmp_path, STEP_LR, restore_optimizer=True)
