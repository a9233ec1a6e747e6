"""Training on two devices: two processes on the CPU, started by the stage itself."""

import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from params_document import check_here
from training_project import Project, training_project

from stages import train

COMMAND = [sys.executable, "-m", "stages.train"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = training_project(tmp_path, monkeypatch)
    made.set({"train.task.init_args.encoder.init_args.dropout": 0.0})
    made.set({"train.batching.max_batch_seconds": 16.0, "train.trainer.max_epochs": 12})
    check_here(made.params)
    return made


def on_two_devices(project: Project) -> None:
    project.set({"train.trainer.devices": 2, "train.trainer.strategy": "ddp"})
    check_here(project.params)


def history() -> list[dict[str, float]]:
    with Path("artifacts/train/history.csv").open() as lines:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


def test_two_devices_have_the_curves_of_one_though_their_training_was_killed_twice(project: Project) -> None:
    """It dies as a whole, whichever of its processes is killed, and goes on."""
    project.run(train)
    alone, outputs = history(), {path.name for path in Path("artifacts/train").iterdir()}
    shutil.rmtree("artifacts/train")
    on_two_devices(project)
    for victim in ("the first", "the second"):
        with Path("log.txt").open("wb") as log:
            process = subprocess.Popen(COMMAND, env=ENVIRONMENT, stdout=log, stderr=log)
        while Path("log.txt").read_text().count("/12 ") < 3:
            assert process.poll() is None, Path("log.txt").read_text()
            time.sleep(0.1)
        first = psutil.Process(process.pid)
        others = first.children(recursive=True)
        second = next(one for one in others if one.environ().get("LOCAL_RANK") == "1")
        (first if victim == "the first" else second).kill()
        assert process.wait(timeout=20) != 0
        _, alive = psutil.wait_procs([first, *others], timeout=10)
        assert not alive
        assert not Path("artifacts/train").exists()
    assert "resuming in epoch" in Path("log.txt").read_text()
    done = subprocess.run(COMMAND, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    assert "resuming in epoch" in done.stdout
    assert done.stdout.count("epoch 12/12") == 1
    for row, expected in zip(history(), alone, strict=True):
        assert row == pytest.approx(expected, rel=1e-4)
    assert {path.name for path in Path("artifacts/train").iterdir()} == outputs
