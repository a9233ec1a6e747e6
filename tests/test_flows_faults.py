"""Flows after faults: a killed server, the wrong server, a full disk."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dvc_project import make_project
from prefect_server import Server, copy_database, run_server
from served_flows import home, start_serving

from flows import deploy

FLOW = [sys.executable, "-m", "flows.pipeline"]


def test_a_run_whose_server_is_killed_keeps_what_it_made_and_says_so(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", max_epochs=1, light=True)
    with run_server(tmp_path) as server:
        project.environment |= server.environment | {"PREFECT_CLIENT_MAX_RETRIES": "1"}
        process = project.start(*FLOW, "features")
        while "Running stage 'manifest'" not in project.log():
            assert process.poll() is None
            time.sleep(0.05)
        server.process.kill()
    assert process.wait(timeout=180) == 1
    assert "the Prefect server at" in project.log()
    assert "Traceback" not in project.log().partition("the Prefect server at")[2]
    assert project.dvc("status", "features").strip() == "Data and pipelines are up to date."


def test_make_ui_ends_with_its_server_and_says_so(tmp_path: Path) -> None:
    project = make_project(tmp_path.resolve() / "project", max_epochs=1)
    copy_database(home(project))
    process = start_serving(project).process
    (server,) = [child for child in psutil.Process(process.pid).children() if "server" in child.cmdline()]
    server.kill()
    assert process.wait(timeout=30) == 1
    assert "the Prefect server ended; .scratch/prefect-server.log ends:" in project.log()
    assert project.processes() == []


def test_make_ui_takes_no_server_of_somebody_else_for_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        with pytest.raises(
            SystemExit, match=f"port {port} is in use: choose another one with --port, or use"
        ):
            deploy._start_server(port)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs more rights")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_ends_a_run_with_its_reason_and_the_next_one_goes_on(
    small_disk: Path, server: Server
) -> None:
    project = make_project(small_disk / "project", max_epochs=1)
    project.environment |= server.environment
    project.vouch({})
    project.dvc("repro", "-q", "manifest")
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError):
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - (1 << 20)))
    done = project.attempt(*FLOW, "features")
    assert done.returncode == 1
    assert "No space left on device" in done.stdout.splitlines()[-1]
    ballast.unlink()
    assert "features Ran" in project.run(*FLOW, "features")
