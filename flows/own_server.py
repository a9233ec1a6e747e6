"""A Prefect server for one run, where PREFECT_API_URL names none: it ends with the run, however that ends.

Prefect has one too, which outlives a run that is killed, makes its database anew every time (six seconds of
CPU) or shares one with all others (``database is locked``), and gives up after twenty seconds.
"""

import contextlib
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.dvc_command import PROJECT
from flows.tied import tied

HOST = "127.0.0.1"
FOLDER = PROJECT / ".scratch" / "prefect"
STARTUP_SECONDS = 300.0  # of a busy machine
GRACE_SECONDS = 10.0
TRIES = 3
# What plans and watches the runs of deployments, of which there are none here.
NOT_NEEDED = (
    "CANCELLATION_CLEANUP", "CLEANUP_RECONCILER", "DB_VACUUM", "EVENT_LOGGER", "FOREMAN", "LATE_RUNS",
    "PAUSE_EXPIRATIONS", "REPOSSESSOR", "SCHEDULER", "TRIGGERS",
)  # fmt: skip


class NoServer(RuntimeError):
    """Neither is there a server nor does one start."""


@contextlib.contextmanager
def running() -> Iterator[None]:
    """A server for the time of the block: that of PREFECT_API_URL, or one of this run's own."""
    if PREFECT_API_URL.value():
        yield
        return
    with _database() as folder, _started(folder) as url, temporary_settings({PREFECT_API_URL: url}):
        try:
            yield
        finally:
            for worker in (APILogWorker, EventsWorker):  # what they still have to send
                worker.drain_all(timeout=GRACE_SECONDS)


@contextlib.contextmanager
def _database() -> Iterator[Path]:
    """A folder for a database that no other run uses now, and another one will later."""
    for number in count(1):
        folder = FOLDER / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        try:
            yield folder
        finally:
            lock.release()
        return


@contextlib.contextmanager
def _started(folder: Path) -> Iterator[str]:
    log = folder / "server.log"
    for _ in range(TRIES):
        port = _free_port()
        url = f"http://{HOST}:{port}/api"
        server = _start(folder, port, log)
        try:
            if _is_ready(server, url):
                yield url
                return
        finally:
            _end(server)
    said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise NoServer(f"no Prefect server started in {TRIES} tries; {log} ends:\n{said}")


def _start(folder: Path, port: int, log: Path) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
        "PREFECT_SERVER_UI_ENABLED": "false",
        **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in NOT_NEEDED},
    }
    command = tied("prefect", "server", "start", "--host", HOST, "--port", str(port))
    with log.open("wb") as stream:
        return subprocess.Popen(
            command, env=environment, stdout=stream, stderr=stream, start_new_session=True
        )


def _is_ready(server: "subprocess.Popen[bytes]", url: str) -> bool:
    """Wait for it; False where it ended, or takes too long."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=5):
            return True
        time.sleep(0.1)
    return False


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
