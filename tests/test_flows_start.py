"""make ui is started, restarted, and started twice."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from dvc_project import ROOT, Project, make_project
from prefect_server import Server, free_port
from served_flows import PREFECT, home, serving

from flows import deploy, notification, ui_options

BERLIN = {"cron": "0 5 * * 1", "timezone": "Europe/Berlin", "day_or": True}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("project").resolve(), max_epochs=1, light=True)


def schedules(server: Server, name: str) -> list[tuple[Any, bool]]:
    """The schedules of a deployment, and whether they are active."""
    (found,) = server.ask("deployments/filter", deployments={"name": {"any_": [name]}})
    return [(kept["schedule"], kept["active"] and not found["paused"]) for kept in found["schedules"]]


def schedule(project: Project, *arguments: str) -> None:
    """The request that the UI sends for a user's action."""
    project.run(*PREFECT, "deployment", "schedule", *arguments)


def test_what_was_changed_in_the_ui_survives_the_next_start_unless_options_say_otherwise(
    project: Project,
) -> None:
    project.environment["TZ"] = "Asia/Tokyo"
    with serving(project) as server:
        project.environment |= server.environment
        tokyo = {"cron": "0 3 * * *", "timezone": "Asia/Tokyo", "day_or": True}
        assert schedules(server, "nightly") == [(tokyo, True)]
        assert 'retraining: "0 3 * * *" in the time zone Asia/Tokyo; next on' in project.log()
        for name, flow in (("nightly", "retrain"), ("pipeline", "pipeline")):
            cron = ["--cron", str(BERLIN["cron"]), "--timezone", str(BERLIN["timezone"])]
            schedule(project, "create", f"{flow}/{name}", *cron, "--replace", "--accept-yes")
    with serving(project) as server:
        project.environment |= server.environment
        assert schedules(server, "nightly") == schedules(server, "pipeline") == [(BERLIN, True)]
        assert 'retraining: "0 5 * * 1" in the time zone Europe/Berlin; next on' in project.log()
        (kept,) = server.ask("deployments/filter", deployments={"name": {"any_": ["nightly"]}})
        schedule(project, "pause", "retrain/nightly", kept["schedules"][0]["id"])
    with serving(project) as server:
        assert schedules(server, "nightly") == [(BERLIN, False)]
        assert "retraining: no schedule: it was paused or removed in the UI" in project.log()
    with serving(project, "--cron", "0 4 * * *", "--timezone", "UTC") as server:
        given = {"cron": "0 4 * * *", "timezone": "UTC", "day_or": True}
        assert schedules(server, "nightly") == [(given, True)]
        assert schedules(server, "pipeline") == [(BERLIN, True)]


def test_a_second_one_says_that_one_runs_and_where(project: Project, tmp_path: Path) -> None:
    with serving(project) as server:
        second = project.attempt(sys.executable, "-m", "flows.deploy", "--port", str(free_port()))
        assert second.returncode == 1
        process = server.process.pid
        assert (
            second.stdout
            == f"make ui is already running: {server.url}, process {process} in {project.folder}\n"
        )


def test_prefects_own_variable_chooses_the_port(project: Project) -> None:
    project.environment["PREFECT_SERVER_API_PORT"] = port = str(free_port())
    project.environment["PREFECT_HOME"] = str(home(project))
    project.environment.pop("PREFECT_API_URL", None)
    process = project.start(sys.executable, "-m", "flows.deploy")
    while f"the Prefect UI: http://127.0.0.1:{port}\n" not in project.log():
        assert process.poll() is None, project.log()
        time.sleep(0.2)
    process.terminate()
    process.wait(timeout=60)


def test_a_wrong_schedule_is_refused_before_anything_starts(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "flows.deploy", "--cron", "every night", "--timezone", "Europe/Nowhere"],
        cwd=ROOT, env={**os.environ, "PREFECT_HOME": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert said.returncode == 1
    assert "'Europe/Nowhere' is not a known time zone: give a name such as" in said.stderr
    assert "'every night' is not a cron expression: expected five fields" in said.stderr
    assert said.stdout == ""
    assert list(tmp_path.iterdir()) == []


SERVES = """
import os, pathlib, signal, sys
with pathlib.Path("served.txt").open("a") as stream:
    print(*sys.argv[1:], file=stream)
if pathlib.Path("served.txt").read_text().count("--watch") == 1:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """Options of a make ui whose serving process is killed at first, and then stops."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deploy, "tied", lambda _, *options: [sys.executable, "-c", SERVES, *options])
    return ui_options.parser("", "").parse_args(["--cron", "0 4 * * *", "--watch-seconds", "5"])


def test_what_runs_the_flows_is_started_again_when_it_is_killed_and_keeps_the_schedule(
    serves: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deploy, "QUICK_SECONDS", 0.0)
    with pytest.raises(SystemExit, match=r"^the process that runs the flows was stopped$"):
        deploy._serve_flows(serves, None)
    assert capsys.readouterr().out == "the process that runs the flows was killed (SIGKILL); restarting it\n"
    assert Path("served.txt").read_text() == "--cron=0 4 * * * --watch-seconds=5.0\n--watch-seconds=5.0\n"


def test_make_ui_ends_and_tells_people_when_what_runs_the_flows_is_killed_at_once(
    serves: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(notification, "notify", said.append)
    with pytest.raises(
        SystemExit, match=r"^the process .* was killed \(SIGKILL\) right after its start$"
    ) as end:
        deploy._serve_flows(serves, None)
    assert said == [f"Earshot: make ui ended: {end.value}"]


def test_make_hands_the_options_on(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    python.chmod(0o755)
    make = ["make", "--silent", "--old-file=.venv/installed", "ui", f"BIN={tmp_path}"]
    given = ["PORT=4300", "CRON=0 4 * * *", "TIMEZONE=Europe/Berlin"]
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PORT", "CRON", "TIMEZONE")
    }
    said = [
        subprocess.run(
            [*make, *options], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        for options in ([], given)
    ]
    assert said[0].stdout == "-m|flows.deploy|"
    assert said[1].stdout == ("-m|flows.deploy|--port|4300|--cron|0 4 * * *|--timezone|Europe/Berlin|")
