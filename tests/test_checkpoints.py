"""What training keeps besides its best weights, and resuming from a kept state."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from training_project import Project, signal_at, table, training_project

from stages import features, train
from stages.callbacks.resume_state import ResumeState
from stages.schema.manifest_row import read_manifest, write_rows
from stages.tasks.checkpoint import load

TRAINED = Path("artifacts/train")
KEPT = TRAINED / "checkpoints"
TORCH = "torch.optim.lr_scheduler"
COSINE = [(1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in (3, 4)]
LINE = [1 - epoch / 4 for epoch in (3, 4)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def history() -> list[dict[str, str]]:
    return table(TRAINED / "history.csv")


def weights(path: Path) -> dict[str, Any]:
    return load(path)[1].state_dict()


@pytest.mark.parametrize(("monitor", "mode"), [("val_loss", "min"), ("val_blank_ratio", "max")])
def test_the_best_ones_are_kept_in_their_order_and_those_of_every_nth_epoch(
    project: Project, monitor: str, mode: str
) -> None:
    kept = {"monitor": monitor, "mode": mode, "save_top_k": 3, "every_n_epochs": 2}
    project.set({"train.trainer.max_epochs": 5, "train.checkpoint": kept})
    project.run(train)
    scores = [(float(row[monitor]), int(row["epoch"]), int(row["step"])) for row in history()]
    ranked = sorted(scores, key=lambda score: score[0], reverse=mode == "max")[:3]
    best = [f"best-{rank}-epoch={epoch}-step={step}.ckpt" for rank, (_, epoch, step) in enumerate(ranked, 1)]
    periodic = [f"epoch={epoch}-step={step}.ckpt" for _, epoch, step in scores if epoch in (1, 3)]
    assert sorted(path.name for path in KEPT.iterdir()) == sorted(best + periodic)
    assert (KEPT / best[0]).read_bytes() == (TRAINED / "best.ckpt").read_bytes()
    assert weights(KEPT / best[1]).keys() == weights(TRAINED / "last.ckpt").keys()


def test_without_more_being_asked_for_no_more_is_kept(project: Project) -> None:
    project.set({"train.checkpoint": {"monitor": "val_loss", "mode": "min", "save_top_k": 2}})
    project.run(train)
    project.set({"train.checkpoint": {"monitor": "val_loss", "mode": "min"}})
    project.run(train)
    assert list(KEPT.iterdir()) == []


def keep_state(project: Project, epochs: int) -> None:
    """A finished training whose state is now an input."""
    kept = {"monitor": "val_loss", "mode": "min", "save_top_k": 2, "save_weights_only": False}
    project.set({"train.trainer.max_epochs": epochs, "train.checkpoint": kept})
    project.run(train)
    Path("data/raw/start").mkdir()
    shutil.copy(KEPT / "state.ckpt", "data/raw/start")


@pytest.mark.parametrize("schedule", ["stages.schedules.warmup_cosine.WarmupCosine", None])
def test_a_finished_training_goes_on_for_more_epochs(project: Project, schedule: str | None) -> None:
    project.set({"train.schedule": schedule and {"class_path": schedule}})
    project.set({"train.early_stopping": {"monitor": "val_loss", "mode": "min", "patience": 9}})
    keep_state(project, epochs=2)
    before = history()
    go_on(project, {"train.trainer.max_epochs": 4})
    after = history()
    assert after[:2] == before
    assert [row["epoch"] for row in after] == ["0", "1", "2", "3"]
    assert int(after[3]["step"]) == 2 * int(before[1]["step"])
    if schedule is None:  # then it is as if it had not ended
        longer = {path: path.read_bytes() for path in sorted(TRAINED.glob("**/*.ckpt"))}
        project.set({"train.inputs": "data/raw/none", "train.resume_from": None})
        project.run(train)
        assert {path: path.read_bytes() for path in longer} == longer
        assert history() == after


def go_on(project: Project, changes: dict[str, Any]) -> None:
    project.set({"train.inputs": "data/raw/start", "train.resume_from": "state.ckpt", **changes})
    project.run(train)


def test_a_training_that_ended_within_an_epoch_goes_on_there(project: Project) -> None:
    exponential = {"class_path": f"{TORCH}.ExponentialLR", "init_args": {"gamma": 0.7}, "interval": "epoch"}
    project.set({"train.schedule": exponential, "train.batching.max_batch_seconds": 8.0})
    project.set({"train.trainer.max_steps": 13, "train.trainer.val_check_interval": 4})
    keep_state(project, epochs=-1)
    go_on(project, {"train.trainer.max_steps": 23})
    names = ("last.ckpt", "best.ckpt", "history.csv", "checkpoints/state.ckpt")
    longer = {name: (TRAINED / name).read_bytes() for name in names}
    project.set({"train.inputs": "data/raw/none", "train.resume_from": None})
    project.run(train)
    assert {name: (TRAINED / name).read_bytes() for name in names} == longer


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (
            {"class_path": f"{TORCH}.CosineAnnealingLR", "init_args": {"T_max": 4}, "interval": "epoch"},
            COSINE,
        ),
        ({"class_path": f"{TORCH}.PolynomialLR", "init_args": {"total_iters": 4}, "interval": "epoch"}, LINE),
    ],
)
def test_a_schedule_goes_on_as_params_yaml_describes_it_now(
    project: Project, schedule: dict[str, Any], rates: list[float]
) -> None:
    ended = {**schedule, "init_args": dict.fromkeys(schedule["init_args"], 2)}
    project.set({"lr": 1.0e-2, "train.schedule": ended})
    keep_state(project, epochs=2)
    go_on(project, {"train.trainer.max_epochs": 4, "train.schedule": schedule})
    # a row has the rate at the end of its epoch, which is that of the next
    assert [float(row["lr"]) for row in history()[2:]] == pytest.approx([1e-2 * rate for rate in rates])


def test_going_on_can_be_stopped_and_goes_on(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_state(project, epochs=2)
    with monkeypatch.context() as patch:
        signal_at(patch, ResumeState, "on_train_end", 1)
        with pytest.raises(SystemExit):
            go_on(project, {"train.trainer.max_epochs": 4})
    project.run(train)
    assert [row["epoch"] for row in history()] == ["0", "1", "2", "3"]


def test_what_params_yaml_says_now_counts_when_a_training_goes_on(project: Project) -> None:
    project.set({"train.early_stopping": {"monitor": "val_loss", "mode": "max", "patience": 1}})
    keep_state(project, epochs=9)
    ended = len(history())  # soon, as the loss falls, which this mode counts as worse
    assert len(list(KEPT.glob("best-*"))) == 2
    go_on(project, {"train.early_stopping.patience": 3, "train.checkpoint.save_top_k": 1})
    assert len(history()) == ended + 2 < 9
    assert list(KEPT.glob("best-*")) == []  # next to best.ckpt
    before = weights(TRAINED / "last.ckpt")
    go_on(project, {"train.optimizer.init_args.weight_decay": 0.9})
    after = weights(TRAINED / "last.ckpt")
    assert not any(torch.equal(before[name], after[name]) for name in before if name.startswith("head"))


def test_the_best_epoch_may_lie_before_the_state_from_which_training_goes_on(project: Project) -> None:
    keep_state(project, epochs=2)
    best = weights(TRAINED / "best.ckpt")
    go_on(project, {"train.trainer.max_epochs": 3, "lr": 1.0, "train.schedule": None})
    assert float(history()[2]["val_loss"]) > float(history()[1]["val_loss"])
    assert all(torch.equal(value, best[name]) for name, value in weights(TRAINED / "best.ckpt").items())


def test_a_state_is_named_when_it_is_missing_or_none(project: Project) -> None:
    project.set({"train.resume_from": "state.ckpt"})
    with pytest.raises(ValueError, match=r"train\.resume_from: .*none/state\.ckpt: no such file"):
        project.run(train)
    state = Path("data/raw/none/state.ckpt")
    for content, why in (
        ({"state": Path("a")}, r"reading it would run code \(pathlib"),
        ({}, "it has no 'state'$"),
    ):
        torch.save(content, state)
        with pytest.raises(ValueError, match=rf"none/state\.ckpt is not a training.s state\.ckpt: {why}"):
            project.run(train)
    state.write_bytes(b"none")
    with pytest.raises(ValueError, match=r"state\.ckpt: it is not a file of torch\.save, or it is damaged$"):
        project.run(train)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, r"train\.resume_from: 1 epochs are already done; raise max_epochs \(1\)"),
        (
            {"train.task.init_args.encoder.init_args.hidden_size": 64},
            r"of another model.*: train\.task\.encoder\.hidden_size is 256 there and 64 here\. ",
        ),
        (
            {"train.tokens.init_args": {"normalization": {"case": "keep"}}},
            r"of another model[^:]*: train\.tokens\.normalization\.case is 'lower' there and 'keep' here\. ",
        ),
        (
            {"train.optimizer": {"class_path": "torch.optim.SGD", "init_args": {"momentum": 0.9}}},
            r"state\.ckpt: the optimizer state of its parameter 0 is \{'exp_avg'.* but SGD needs",
        ),
        (
            {"train.groups": [{"pattern": "head.*", "lr_scale": 0.1}]},
            r"state\.ckpt: its optimizer has groups of \[\d+\] parameters, but train\.groups gives",
        ),
    ],
)
def test_a_state_of_another_model_and_one_that_is_at_its_end_are_refused(
    project: Project, changes: dict[str, Any], said: str
) -> None:
    keep_state(project, epochs=1)
    if changes.keys() & {"train.optimizer", "train.groups"}:
        changes["train.trainer.max_epochs"] = 2
    with pytest.raises(ValueError, match=said):
        go_on(project, changes)


def test_a_group_of_the_same_sizes_is_not_taken_for_another(project: Project) -> None:
    project.set({"train.task.init_args.encoder.init_args.hidden_size": 80})
    project.set({"train.groups": [{"pattern": "encoder.layers.0.weight", "lr_scale": 0.1}]})
    keep_state(project, epochs=1)
    groups = [{"pattern": "encoder.layers.0.bias", "lr_scale": 0.1}]
    with pytest.raises(ValueError, match=r"other groups, for instance for encoder\.layers\.0\.bias, encoder"):
        go_on(project, {"train.trainer.max_epochs": 2, "train.groups": groups})


def test_an_epoch_goes_on_over_its_own_batches_alone(project: Project) -> None:
    project.set({"train.batching.max_batch_seconds": 8.0, "train.trainer.max_steps": 8})
    keep_state(project, epochs=-1)
    changes = {"train.trainer.max_steps": 9, "train.batching.max_batch_seconds": 16.0}
    with pytest.raises(
        ValueError, match=r"after 3 batches of an epoch that had 5 and now has \d+: restore train"
    ):
        go_on(project, changes)


def test_a_state_over_another_vocabulary_is_refused(project: Project) -> None:
    keep_state(project, epochs=1)
    rows = read_manifest(Path("data/manifest/train.json"))
    write_rows(Path("data/manifest/train.json"), [row.model_copy(update={"text": "zz"}) for row in rows])
    project.run(features)
    with pytest.raises(ValueError, match=r"vocabulary: token 1 is .* there and 'z' here"):
        go_on(project, {})
