"""What make ui serves, without a browser: runs that begin by their schedule."""

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from dvc_project import Project, make_project
from prefect_server import Server
from served_flows import serving

from flows.deploy import LOG

EVERY_15_SECONDS = "* * * * * */15"
# So that a retraining finds nothing new, and ends in seconds.
JUDGE = """
from flows import gate, retrain
retrain.JUDGED.mkdir(parents=True)
(retrain.JUDGED / retrain._digest(retrain.renew.fn(None), gate.Gate())).write_text("judged by hand")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("project").resolve(), max_epochs=1)
    made.run(sys.executable, "-c", JUDGE)
    return made


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with serving(project, "--cron", EVERY_15_SECONDS) as started:
        yield started


def completed(server: Server, deployment: str) -> list[dict[str, Any]]:
    """Runs of a deployment."""
    found: list[dict[str, Any]] = server.ask(
        "flow_runs/filter",
        deployments={"name": {"any_": [deployment]}},
        flow_runs={"state": {"type": {"any_": ["COMPLETED"]}}},
    )
    return found


def test_retraining_begins_by_its_schedule_and_completes(server: Server, project: Project) -> None:
    deadline = time.monotonic() + 120
    while not (ended := completed(server, "nightly")):
        assert time.monotonic() < deadline, (project.folder / LOG).read_text()
        time.sleep(0.5)
    assert ended[0]["auto_scheduled"]
    assert ended[0]["state_name"] == "NothingNew"
