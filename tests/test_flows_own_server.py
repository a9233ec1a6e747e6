"""The Prefect server that a run starts if none is set."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from prefect_server import Server, copy_database

from flows import own_server, prefect_server

ROOT = Path(__file__).parents[1]
RUN = """
import sys
from pathlib import Path
from prefect import flow
from flows import own_server

own_server.FOLDER = Path(sys.argv[1])

@flow(log_prints=True)
def work():
    print("at work", flush=True)
    if input() != "end":
        raise ValueError

with own_server.running():
    work()
"""


@pytest.fixture
def databases(tmp_path: Path) -> Path:
    """Two existing databases, as making them takes long."""
    for number in "12":
        copy_database(tmp_path / "prefect" / number)
    return tmp_path / "prefect"


def start(databases: Path) -> "subprocess.Popen[str]":
    """A run in progress with its own server."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(databases)], cwd=databases.parent,
        env=environment | {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(databases.parent / "home")},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = []
    while "at work" not in "".join(said):
        said.append(process.stdout.readline())
        assert said[-1], "".join(said)
    return process


def servers(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    found = psutil.Process(process.pid).children(recursive=True)
    assert found
    return found


def test_runs_at_one_time_have_servers_of_their_own_which_end_with_them_and_leave_their_databases(
    databases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, ended = start(databases), start(databases)
    left = [*servers(killed), *servers(ended)]
    killed.kill()
    said, _ = ended.communicate("end\n")
    assert ended.returncode == 0, said
    assert "Finished in state Completed()" in said
    assert "Error" not in said, "all was sent before the server ended"
    assert not psutil.wait_procs(left, timeout=60)[1]
    killed.communicate()
    assert sorted(path.parent.name for path in databases.glob("*/server.log")) == ["1", "2"]
    monkeypatch.setattr(own_server, "FOLDER", databases)
    with own_server._database() as folder:
        assert folder.name == "1"


def test_a_server_that_does_not_start_is_tried_again_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(own_server, "FOLDER", tmp_path)
    tries = tmp_path / "tries"
    program = f"open({str(tries)!r}, 'a').write('x'); print('no room'); raise SystemExit(3)"
    monkeypatch.setattr(prefect_server, "tied", lambda *_: [sys.executable, "-c", program])
    with pytest.raises(own_server.NoServer, match=r"in 3 tries; .* ends:\nno room"), own_server.running():
        pass
    assert tries.read_text() == "xxx"


def test_where_there_is_a_server_none_is_started(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "from prefect.settings import PREFECT_API_URL\nfrom flows import own_server\n"
        "with own_server.running():\n    print(PREFECT_API_URL.value())"
    )
    monkeypatch.setenv("PREFECT_API_URL", server.environment["PREFECT_API_URL"])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == server.environment["PREFECT_API_URL"]
