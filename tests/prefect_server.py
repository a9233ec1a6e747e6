"""A real Prefect server for tests, on a free port and with a database of its own."""

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from built_once import built_once


@dataclass(frozen=True)
class Server:
    url: str
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"

    def ask(self, path: str, **filters: Any) -> Any:
        """What a POST to the API answers."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            json.dumps(filters).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def artifacts(self) -> list[dict[str, Any]]:
        """The newest one of every key last."""
        found: list[dict[str, Any]] = self.ask("artifacts/filter", sort="CREATED_DESC")[::-1]
        return found

    def edges(self) -> dict[str, set[str]]:
        """The tasks that each task was given the state of."""
        runs = self.ask("task_runs/filter", limit=200)
        names = {run["id"]: run["name"] for run in runs}
        return {
            run["name"]: {names[given["id"]] for given in run["task_inputs"].get("upstream", [])}
            for run in runs
        }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def run_server(home: Path) -> Iterator[Server]:
    """With a database that has all its tables: to make them takes six seconds of CPU."""
    copy_database(home)
    with _running(home) as started:
        yield started


def copy_database(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(built_once("prefect", _make_database) / "prefect.db", home)


def _make_database(home: Path) -> None:
    with _running(home):
        pass
    with contextlib.closing(sqlite3.connect(home / "prefect.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # all of it in the one file


@contextlib.contextmanager
def _running(home: Path) -> Iterator[Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
    try:
        _wait_until_ready(url, process, home / "server.log")
        yield Server(url, environment, process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 600  # for what never comes, on a busy machine too
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/api/health", timeout=5):
                return
        except OSError:
            time.sleep(0.3)
