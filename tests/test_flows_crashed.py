"""make ui is killed with all its processes while it retrains and tunes, and continues after a restart."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from dvc_project import Project, make_project
from judged_project import judge
from prefect_server import Server, copy_database
from served_flows import PREFECT, home, serving, start_serving
from waiting import wait_for

from flows import run_process
from flows.run_process import RunProcess

EVERY_MINUTE = ("--cron", "* * * * *", "--timezone", "UTC")
SEARCH = {
    "study": "small",
    "direction": "minimize",
    "metric": "val_loss",
    "n_trials": 1,
    "search_spaces": {"lr": {"distribution": "uniform", "low": 1e-4, "high": 1e-2}},
}


def runs(server: Server, deployment: str) -> dict[str, Any]:
    """The runs by id."""
    named = {"name": {"any_": [deployment]}}
    return {run["id"]: run for run in server.ask("flow_runs/filter", deployments=named)}


def running(server: Server, deployment: str) -> list[dict[str, Any]]:
    return [run for run in runs(server, deployment).values() if run["state_name"] == "Running"]


def kill_all(project: Project) -> None:
    """Kill all at the same time, as when the machine is switched off."""
    while processes := project.processes():
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=20)


def test_after_a_sigkill_what_ran_has_crashed_and_the_next_scheduled_run_runs(tmp_path: Path) -> None:
    project = make_project(tmp_path.resolve() / "project", max_epochs=3000, light=True)
    copy_database(home(project))
    before = start_serving(project, *EVERY_MINUTE)
    project.environment |= before.environment
    project.run(*PREFECT, "deployment", "run", "tune/tune", "-p", f"search={json.dumps(SEARCH)}")
    wait_for(lambda: running(before, "nightly") and running(before, "tune"), 900, project.log)
    under_way = {name: running(before, name)[0] for name in ("nightly", "tune")}
    kill_all(project)
    judge(project)  # the next one then ends in seconds
    with serving(project, *EVERY_MINUTE) as after:
        for name, killed in under_way.items():
            run = runs(after, name)[killed["id"]]
            assert run["state_name"] == "Crashed"
            assert "is gone: it was killed, or the machine stopped" in run["state"]["message"]
            assert f"the run {run['name']} crashed: process " in project.log()
            tasks = after.ask("task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
            assert "RUNNING" not in {task["state_type"] for task in tasks}

        def later() -> list[dict[str, Any]]:
            killed = under_way["nightly"]["id"]
            return [
                run for run in runs(after, "nightly").values() if run["start_time"] and run["id"] != killed
            ]

        wait_for(lambda: any(run["state_type"] == "COMPLETED" for run in later()), 900, project.log)
        assert {run["state_name"] for run in later()} <= {"NothingNew", "Running", "Pending"}
        refused = [run for run in runs(after, "nightly").values() if run["state_type"] == "CANCELLED"]
        assert all("missed" in run["state"]["message"] for run in refused)


def test_a_process_is_told_from_a_later_one_of_its_number() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        mine = psutil.Process(process.pid)
        host = os.uname().nodename
        noted = RunProcess(host, process.pid, mine.create_time())
        assert not noted.is_gone()
        assert RunProcess(host, process.pid, mine.create_time() - 100).is_gone()
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert noted.is_gone()  # although it is a zombie
    assert noted.is_gone()
    assert not RunProcess("another machine", process.pid, 0.0).is_gone()


def test_a_run_notes_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_process, "NOTES", tmp_path)
    run_process.note("1234")
    (noted,) = run_process.noted().items()
    assert noted[0] == "1234"
    assert noted[1].number == os.getpid()
    assert not noted[1].is_gone()
