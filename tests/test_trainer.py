"""train.trainer: whatever lightning.Trainer takes."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import pytest
from training_project import Project, training_project

from stages import train
from stages.schema.reading import read_params
from stages.schema.trainer import OWNED

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
    ({"profiler": {"class_path": f"{PROFILERS}.Nothing"}}, r"train\.trainer\.profiler: .*Nothing"),
    ({"plugins": [{"class": PLUGIN}]}, r"train\.trainer\.plugins\[0\]"),
    ({"profiler": "thorough"}, r"train\.trainer: lightning\.Trainer refuses.*simple"),
    ({"logger": False}, r"train\.trainer\.logger: not written here: it is train\.loggers"),
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


def test_what_the_stage_owns_are_arguments_of_the_trainer() -> None:
    assert OWNED.keys() <= inspect.signature(lightning.Trainer).parameters.keys()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def test_a_training_with_parts_in_its_trainer_runs(project: Project) -> None:
    project.set({f"train.trainer.{name}": part for name, part in PARTS.items()})
    project.run(train)
    assert list(Path().glob("*p.txt"))
