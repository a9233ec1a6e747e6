"""Start, await and end a Prefect server that only this machine can reach."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from flows.tied import tied

HOST = "127.0.0.1"
STARTUP_SECONDS = 300.0  # on a busy machine
GRACE_SECONDS = 10.0

Process = subprocess.Popen[bytes]


def api(port: int) -> str:
    """The value for PREFECT_API_URL."""
    return f"http://{HOST}:{port}/api"


def start(port: int, log: Path, settings: dict[str, str] | None = None) -> Process:
    """Start a server that ends with this process and writes to ``log``."""
    command = tied("prefect", "server", "start", "--host", HOST, "--port", str(port))
    # The UI needs this address, too; with --port alone it would use port 4200.
    environment = {**os.environ, "PREFECT_API_URL": api(port), **(settings or {})}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        return subprocess.Popen(
            command, env=environment, stdout=stream, stderr=stream, start_new_session=True
        )


def is_ready(server: Process, port: int) -> bool:
    """Wait for the server; False if it ended or took too long."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{api(port)}/health", timeout=5):
            return server.poll() is None
        time.sleep(0.1)
    return False


def end(process: Process) -> None:
    """Send SIGINT to a process and its children, and SIGKILL to those left after the grace period."""
    for sent in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, sent)
            process.wait(GRACE_SECONDS)


def end_of(log: Path) -> str:
    return f"{log} ends:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}"
