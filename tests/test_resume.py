"""A training stopped anywhere resumes as if uninterrupted."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from built_once import built_once
from lightning.pytorch.loggers import TensorBoardLogger
from training_project import Project, signal_at, training_project

from stages import train
from stages.callbacks.history import History
from stages.callbacks.lightning_task import LightningTask

SCHEDULES = {
    "warm-up and cosine": {
        "class_path": "stages.schedules.warmup_cosine.WarmupCosine",
        "interval": "step",
    },
    "plateau": {
        "class_path": "torch.optim.lr_scheduler.ReduceLROnPlateau",
        "init_args": {"patience": 0, "threshold": 0.5},
        "interval": "epoch",
        "monitor": "val_loss",
    },
    "by epoch": {
        "class_path": "torch.optim.lr_scheduler.ExponentialLR",
        "init_args": {"gamma": 0.7},
        "interval": "epoch",
    },
}
MOMENTS = {
    "a forward pass": (LightningTask, "training_step", 9),
    "the first forward pass of an epoch": (LightningTask, "training_step", 11),
    "an optimizer step": (torch.optim.AdamW, "step", 5),
    "the last optimizer step of an epoch": (torch.optim.AdamW, "step", 6),
    "a validation": (LightningTask, "validation_step", 5),
    "the end of a validation": (History, "on_validation_end", 3),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def results(project: Project) -> dict[str, bytes]:
    return results_in(project.folder / "artifacts" / "train")


def results_in(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("best.ckpt", "last.ckpt", "history.csv")}


def uninterrupted(project: Project) -> dict[str, bytes]:
    """The result of an uninterrupted training; every setting is trained only once."""

    def build(folder: Path) -> None:
        project.run(train)
        shutil.move("artifacts/train", folder)

    params = hashlib.sha256(project.params.read_bytes()).hexdigest()[:16]
    return results_in(built_once(f"training-{params}", build) / "train")


SETTINGS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "accumulating": {"train.trainer.accumulate_grad_batches": 2, "train.trainer.val_check_interval": 0.5},
    "validating within a step": {
        "train.trainer.accumulate_grad_batches": 2,
        "train.trainer.val_check_interval": 3,
    },
    "validating every third epoch": {"train.trainer.check_val_every_n_epoch": 3},
    "loader workers and early stopping": {
        "train.batching.num_workers": 2,
        "train.early_stopping": {"monitor": "val_loss", "mode": "max", "patience": 1},
    },
}
SETTINGS["ending after so many steps"] = {"train.trainer.max_epochs": -1, "train.trainer.max_steps": 13}
CASES = [
    *((moment, "by epoch", "ending after so many steps") for moment in list(MOMENTS)[:5]),
    *((moment, schedule, "as it is") for moment in MOMENTS for schedule in SCHEDULES),
    *((moment, "plateau", settings) for moment in MOMENTS for settings in list(SETTINGS)[1:3]),
    *((moment, "warm-up and cosine", "validating every third epoch") for moment in list(MOMENTS)[:4]),
    *(
        (moment, "by epoch", "loader workers and early stopping")
        for moment in ("a forward pass", "a validation")
    ),
]


@pytest.mark.parametrize(("moment", "schedule", "settings"), CASES)
def test_a_signal_at_any_moment_changes_no_byte(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
    moment: str,
    schedule: str,
    settings: str,
) -> None:
    project.set({"train.schedule": SCHEDULES[schedule], "train.batching.max_batch_seconds": 8.0})
    project.set({"train.trainer.max_epochs": 3} | SETTINGS[settings])
    expected = uninterrupted(project)
    with monkeypatch.context() as patch:
        signal_at(patch, *MOMENTS[moment])
        with pytest.raises(SystemExit) as stopped:
            project.run(train)
    assert stopped.value.code == 128 + signal.SIGTERM
    project.run(train)
    assert results(project) == expected
    assert not [warning for warning in recwarn if "not resumable" in str(warning.message)]


@pytest.mark.parametrize("call", [3, 6, 9])
def test_a_signal_waits_until_a_logger_has_written(
    project: Project, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    begun, ended = [], []
    original = TensorBoardLogger.log_metrics

    def log_metrics(logger: TensorBoardLogger, *arguments: Any, **named: Any) -> None:
        begun.append(arguments)
        if len(begun) == call:
            os.kill(os.getpid(), signal.SIGTERM)
        original(logger, *arguments, **named)
        ended.append(arguments)

    monkeypatch.setattr(TensorBoardLogger, "log_metrics", log_metrics)
    project.set({"train.trainer.log_every_n_steps": 1, "train.batching.max_batch_seconds": 8.0})
    with pytest.raises(SystemExit):
        project.run(train)
    assert len(begun) == len(ended) >= call


@pytest.mark.parametrize("moment", ["a forward pass", "the first forward pass of an epoch"])
def test_a_soft_window_and_scheduled_sampling_go_on_where_they_were(
    project: Project, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    decoder = {
        "class_path": "stages.models.tds_decoder.TDSDecoder",
        "init_args": {"soft_window_epochs": 2},  # of three; the signal comes in the second or at the third
    }
    arguments = {"decoder": decoder, "sampling_probability": 0.5}
    arguments["encoder"] = {"class_path": "stages.models.simple_ctc.SimpleCTC"}
    project.set({"train.task": {"class_path": "stages.tasks.seq2seq.Seq2Seq", "init_args": arguments}})
    project.set({"train.batching.max_batch_seconds": 8.0, "train.trainer.max_epochs": 3})
    expected = uninterrupted(project)
    with monkeypatch.context() as patch:
        signal_at(patch, *MOMENTS[moment])
        with pytest.raises(SystemExit):
            project.run(train)
    project.run(train)
    assert results(project) == expected


NUM_KILLS = 20


@pytest.mark.slow
def test_a_training_killed_at_twenty_random_moments_ends_with_the_same_bytes(project: Project) -> None:
    project.set({"train.trainer.max_epochs": 250, "train.batching.max_batch_seconds": 4.0})
    project.set(SETTINGS["loader workers and early stopping"])
    project.set({"train.early_stopping.patience": 999, "train.schedule": SCHEDULES["plateau"]})
    command = [sys.executable, "-m", "stages.train"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run(command, env=environment, check=True)
    expected = results(project)
    shutil.rmtree("artifacts/train")
    generator = random.Random(0)
    for _ in range(NUM_KILLS):
        with Path("log.txt").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        while "epoch" not in Path("log.txt").read_text() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(generator.uniform(0.0, 4.0))
        process.send_signal(generator.choice([signal.SIGTERM, signal.SIGKILL, signal.SIGINT]))
        told = time.monotonic()
        assert process.wait(timeout=60) != 0
        if "/250 " in Path("log.txt").read_text():  # an epoch is done, so the imports are complete
            assert time.monotonic() - told < 4
        assert not Path("artifacts/train").exists()
    subprocess.run(command, env=environment, check=True)
    assert results(project) == expected
