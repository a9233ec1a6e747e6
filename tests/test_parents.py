"""A stage lives no longer than the dvc that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
# What dvc does: a shell that has the names of stage and project in its environment.
DVC = """
import os, subprocess, sys
stage = {**os.environ, "DVC_STAGE": "train", "DVC_ROOT": os.getcwd()}
subprocess.run([sys.argv[1], "-c", sys.argv[2]], env=stage)
"""
SHELLS = ["/bin/sh", "/bin/bash"]


def start(shell: str, folder: Path, before: str = "") -> "subprocess.Popen[bytes]":
    """A stand-in for dvc with a stage that writes ``alive`` as it begins, ``late`` at its end."""
    begun = "import stages, pathlib, time; pathlib.Path('alive').touch(); time.sleep(20)"
    stage = f"{begun}; pathlib.Path('late').touch(); time.sleep(30)"
    command = f'{before} "{sys.executable}" -c "{stage}"; true'
    return subprocess.Popen(
        [sys.executable, "-c", DVC, shell, command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.02)


def left(folder: Path) -> list[psutil.Process]:
    running = (p for p in psutil.process_iter(["cwd", "status"]) if p.info["cwd"] == str(folder))
    return [process for process in running if process.info["status"] != psutil.STATUS_ZOMBIE]


def wait_until_empty(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while processes := left(folder):
        assert time.monotonic() < deadline, [process.cmdline() for process in processes]
        time.sleep(0.05)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_stage_dies_with_dvc_from_its_first_moment(tmp_path: Path, shell: str) -> None:
    dvc = start(shell, tmp_path)
    wait_for(tmp_path / "alive")
    os.kill(dvc.pid, signal.SIGKILL)
    dvc.wait()
    wait_until_empty(tmp_path)
    assert not (tmp_path / "late").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_stage_does_not_begin_when_its_dvc_is_gone(tmp_path: Path, shell: str) -> None:
    dvc = start(shell, tmp_path, "touch shell; while [ ! -e go ]; do sleep 0.02; done;")
    wait_for(tmp_path / "shell")
    os.kill(dvc.pid, signal.SIGKILL)
    dvc.wait()
    (tmp_path / "go").touch()
    wait_until_empty(tmp_path)
    assert not (tmp_path / "alive").exists()


def test_a_stage_without_dvc_runs(tmp_path: Path) -> None:
    code = "import stages, pathlib; pathlib.Path('alive').touch()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(tmp_path)}
    environment.pop("DVC_STAGE", None)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "alive").exists()
