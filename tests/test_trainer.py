"""train.trainer: every argument that lightning.Trainer takes."""

import csv
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import pytest
from torch import Tensor
from training_project import Project, signal_at, training_project

from stages import train
from stages.batching.batch import Batch
from stages.callbacks.lightning_task import LightningTask
from stages.preflight.reading import read_params
from stages.preflight.trainer import OWNED

PLUGIN = "lightning.pytorch.plugins.precision.MixedPrecision"
PROFILERS = "lightning.pytorch.profilers"
DDP = {"class_path": "lightning.pytorch.strategies.DDPStrategy", "init_args": {"static_graph": True}}
PARTS: dict[str, Any] = {
    "profiler": {"class_path": f"{PROFILERS}.SimpleProfiler", "init_args": {"dirpath": ".", "filename": "p"}},
    "plugins": [{"class_path": PLUGIN, "init_args": {"precision": "bf16-mixed", "device": "cpu"}}],
}
ACCEPTED: list[dict[str, Any]] = [
    PARTS,
    {"max_time": "00:01:30:00"},
    {"precision": "bf16-mixed"},
    {"precision": "64-true"},
    {"strategy": "ddp", "devices": 2},
    {"strategy": DDP},
    {"profiler": "simple"},
    {"gradient_clip_val": 0.5, "gradient_clip_algorithm": "value"},
    {"deterministic": "warn", "benchmark": True, "detect_anomaly": True, "inference_mode": False},
    {"limit_train_batches": 0.2, "overfit_batches": 1, "num_sanity_val_steps": -1},
    {"min_epochs": 2, "max_steps": 9, "min_steps": 3, "limit_test_batches": 0.5},
    {"sync_batchnorm": True, "reload_dataloaders_every_n_epochs": 1, "enable_model_summary": False},
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"max_time": "an hour"}, r"train\.trainer: lightning\.Trainer refuses"),
    (
        {"profiler": {"class_path": f"{PROFILERS}.Nothing"}},
        r"train\.trainer\.profiler\.class_path: .*Nothing",
    ),
    ({"plugins": [{"class": PLUGIN}]}, r"train\.trainer\.plugins\[0\]"),
    ({"profiler": "thorough"}, r"train\.trainer: lightning\.Trainer refuses.*simple"),
    ({"barebones": True}, r"train\.trainer\.barebones: .*set it to false"),
    ({"strategy": "ddp_spawn", "devices": 2}, r"train\.trainer\.strategy: .*use ddp"),
    (
        {"check_val_every_n_epoch": 9, "max_epochs": 3},
        r"train\.trainer\.check_val_every_n_epoch: training would never",
    ),
    ({"logger": False}, r"train\.trainer\.logger: must not be set here: it is train\.loggers"),
]
WriteParams = Callable[..., Path]


@pytest.mark.parametrize("arguments", ACCEPTED, ids=str)
def test_arguments_of_lightnings_trainer_are_taken(
    write_params: WriteParams, arguments: dict[str, Any]
) -> None:
    path = write_params({f"train.trainer.{name}": value for name, value in arguments.items()})
    assert read_params(path).train.trainer.items() >= arguments.items()


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=str)
def test_what_it_does_not_take_is_refused_with_its_key(
    write_params: WriteParams, arguments: dict[str, Any], said: str
) -> None:
    path = write_params({f"train.trainer.{name}": value for name, value in arguments.items()})
    with pytest.raises(ValueError, match=said):
        read_params(path)


@pytest.mark.parametrize("key", ["plugins", "strategy", "profiler"])
def test_a_class_that_is_no_part_of_a_trainer_is_not_built(
    write_params: WriteParams, tmp_path: Path, key: str
) -> None:
    part = {
        "class_path": "subprocess.Popen",
        "init_args": {"args": ["touch", str(tmp_path / "built")]},
    }
    path = write_params({f"train.trainer.{key}": [part] if key == "plugins" else part})
    with pytest.raises(
        ValueError, match=rf"train\.trainer\.{key}.*subprocess\.Popen is not a subclass of lightning"
    ):
        read_params(path)
    assert not (tmp_path / "built").exists()


def test_unfreezing_needs_a_ddp_that_expects_it(write_params: WriteParams) -> None:
    groups = [{"pattern": "encoder.*", "unfreeze_epoch": 1}]
    devices = {"train.trainer.devices": 2, "train.groups": groups}
    with pytest.raises(ValueError, match=r"unfreeze_epoch: .*ddp_find_unused_parameters_true, found 1"):
        read_params(write_params(devices))
    read_params(write_params({**devices, "train.trainer.strategy": "ddp_find_unused_parameters_true"}))


def test_what_the_stage_owns_are_arguments_of_the_trainer() -> None:
    assert OWNED.keys() <= inspect.signature(lightning.Trainer).parameters.keys()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def test_a_training_with_parts_in_its_trainer_runs(project: Project) -> None:
    project.set({f"train.trainer.{name}": part for name, part in PARTS.items()})
    project.run(train)
    assert list(Path().glob("*p.txt"))


def test_overfitting_sees_the_same_batches_in_every_epoch(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    step = LightningTask.training_step

    def training_step(self: LightningTask, batch: Batch, batch_index: int) -> Tensor:
        seen.append(tuple(batch.ids))
        return step(self, batch, batch_index)

    monkeypatch.setattr(LightningTask, "training_step", training_step)
    project.set({"train.trainer.overfit_batches": 2, "train.trainer.max_epochs": 3})
    project.set({"train.batching.max_batch_seconds": 8.0})
    project.run(train)
    assert len(seen) == 6
    assert seen[:2] == seen[2:4] == seen[4:]


def test_a_plateau_waits_for_the_epochs_that_validate(project: Project) -> None:
    plateau = {"class_path": "torch.optim.lr_scheduler.ReduceLROnPlateau", "monitor": "val_loss"}
    plateau |= {"init_args": {"patience": 0, "mode": "max"}, "interval": "epoch"}
    project.set({"train.schedule": plateau, "train.trainer.check_val_every_n_epoch": 2})
    project.set({"train.trainer.max_epochs": 6})
    project.run(train)
    with Path("artifacts/train/history.csv").open() as lines:
        rates = [float(row["lr"]) for row in csv.DictReader(lines)]
    assert rates == pytest.approx([0.01, 0.01, 0.001])


def test_a_callback_that_accumulates_by_epoch_does_so_after_a_resume_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduling = {0: 1, 1: 2}
    part = {"class_path": "lightning.pytorch.callbacks.GradientAccumulationScheduler"}
    project.set({"train.callbacks": [part | {"init_args": {"scheduling": scheduling}}]})
    project.set({"train.batching.max_batch_seconds": 4.0, "train.schedule": None})
    project.run(train)
    uninterrupted = Path("artifacts/train/last.ckpt").read_bytes()
    with monkeypatch.context() as patch:
        signal_at(patch, LightningTask, "training_step", 16)
        with pytest.raises(SystemExit):
            project.run(train)
    project.run(train)
    assert Path("artifacts/train/last.ckpt").read_bytes() == uninterrupted
