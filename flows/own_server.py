"""A Prefect server for one run if PREFECT_API_URL is not set. It ends with the run, even a killed one.

Prefect's own temporary server outlives a killed run, creates its database every time (six seconds of CPU) or
shares one with all runs (``database is locked``), and gives up after twenty seconds.
"""

import contextlib
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import prefect_server
from flows.dvc_command import PROJECT

FOLDER = PROJECT / ".scratch" / "prefect"
TRIES = 3
# These services plan and watch the runs of deployments; there are none here.
NOT_NEEDED = (
    "CANCELLATION_CLEANUP", "CLEANUP_RECONCILER", "DB_VACUUM", "EVENT_LOGGER", "FOREMAN", "LATE_RUNS",
    "PAUSE_EXPIRATIONS", "REPOSSESSOR", "SCHEDULER", "TRIGGERS",
)  # fmt: skip


class NoServer(RuntimeError):
    """No server is set, and none could be started."""


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Provide a server during the block: that of PREFECT_API_URL, or one for this run."""
    if PREFECT_API_URL.value():
        yield
        return
    with _database() as folder, _started(folder) as url, temporary_settings({PREFECT_API_URL: url}):
        try:
            yield
        finally:
            for worker in (APILogWorker, EventsWorker):  # send what is still queued
                worker.drain_all(timeout=prefect_server.GRACE_SECONDS)


@contextlib.contextmanager
def _database() -> Iterator[Path]:
    """A folder for a database that no other run is using; later runs reuse it."""
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
    settings = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
        "PREFECT_SERVER_UI_ENABLED": "false",
        **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in NOT_NEEDED},
    }
    for _ in range(TRIES):
        port = _free_port()
        server = prefect_server.start(port, log, settings)
        try:
            if prefect_server.is_ready(server, port):
                yield prefect_server.api(port)
                return
        finally:
            prefect_server.end(server)
    raise NoServer(f"no Prefect server started in {TRIES} tries; {prefect_server.end_of(log)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((prefect_server.HOST, 0))
        return int(probe.getsockname()[1])
