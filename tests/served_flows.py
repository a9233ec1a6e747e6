"""What make ui starts, for tests: a server of its own, and the flows that it serves."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from dvc_project import Project
from prefect_server import Server, copy_database, free_port

PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")


def home(project: Project) -> Path:
    return project.folder / ".scratch" / "prefect"


def start_serving(project: Project, *options: str) -> Server:
    """Its process, once the flows are served."""
    port = free_port()
    project.environment["PREFECT_HOME"] = str(home(project))
    project.environment.pop("PREFECT_API_URL", None)
    process = project.start(sys.executable, "-m", "flows.deploy", "--port", str(port), *options)
    deadline = time.monotonic() + 600  # for what never comes, on a busy machine too
    while "Your deployments are being served" not in project.log():
        assert process.poll() is None, project.log()
        assert time.monotonic() < deadline, project.log()
        time.sleep(0.3)
    url = f"http://127.0.0.1:{port}"
    return Server(url, {"PREFECT_API_URL": f"{url}/api"}, process)


@contextmanager
def serving(project: Project, *options: str) -> Iterator[Server]:
    """It leaves no process behind; what the server knows is there at the next start."""
    if not (home(project) / "prefect.db").exists():
        copy_database(home(project))
    server = start_serving(project, *options)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=60)
        psutil.wait_procs(project.processes(), timeout=20)
    assert project.processes() == []
