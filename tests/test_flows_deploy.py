"""Runs that are started without the browser."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dvc_project import Project, make_project
from prefect_server import Server
from served_flows import PREFECT, serving

from flows.git_command import experiments
from flows.params_file import read_yaml

BY_ITS_FILE = """
from prefect.flows import load_flow_from_entrypoint
pipeline = load_flow_from_entrypoint("flows/pipeline.py:pipeline")
pipeline(overrides=["lr=5e-3"], targets=["manifest"])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("project").resolve(), max_epochs=1, light=True)


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with serving(project) as started:
        project.environment |= started.environment
        yield started


def test_an_override_that_a_run_is_started_with_takes_effect(server: Server, project: Project) -> None:
    start = [*PREFECT, "deployment", "run", "pipeline/pipeline", "--watch"]
    project.run(*start, "-p", 'overrides=["manifest.seed=3"]', "-p", 'targets=["manifest"]')
    lock = read_yaml(project.folder / "dvc.lock")
    assert lock["stages"]["manifest"]["params"]["params.yaml"]["manifest"]["seed"] == 3


def test_an_override_takes_effect_where_prefect_loads_the_flow_by_its_file(
    server: Server, project: Project
) -> None:
    """Prefect then puts flows/ first on sys.path."""
    project.run(sys.executable, "-c", BY_ITS_FILE)
    assert read_yaml(project.folder / "params.yaml")["lr"] == 5e-3


@contextmanager
def worker(project: Project, folder: Path) -> Iterator[None]:
    """A worker of prefect.yaml's pool, started outside the project."""
    command = [*PREFECT, "worker", "start", "--pool", "earshot", "--limit", "1"]
    started = subprocess.Popen(command, cwd=folder, env=project.environment)
    try:
        yield
    finally:
        started.terminate()
        started.wait(timeout=60)


@pytest.mark.slow
def test_a_worker_runs_an_override_in_a_clone_and_sends_the_experiment_back(
    server: Server, project: Project, tmp_path: Path
) -> None:
    project.environment["EARSHOT_REPOSITORY"] = str(project.folder)
    project.dvc("remote", "add", "-d", "storage", str(tmp_path / "remote"))
    project.commit()
    project.run(*PREFECT, "work-pool", "create", "earshot", "--type", "process")
    project.run(*PREFECT, "deploy", "--all")
    with worker(project, tmp_path):
        start = [*PREFECT, "deployment", "run", "pipeline/pool", "--watch"]
        project.run(*start, "-p", "experiment=wider", "-p", 'overrides=["lr=2e-3"]')
    params = project.run("git", "show", f"{experiments(project.folder)['wider']}:params.yaml")
    assert "lr: 0.002\n" in params
