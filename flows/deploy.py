"""The flows in the Prefect UI, retraining every night: make ui

python -m flows.deploy [--port 4200] [--cron "0 3 * * *"] [--timezone Europe/Berlin]

Starts a server that only this machine reaches, unless PREFECT_API_URL names one, and runs here what is
started or scheduled there, until it is stopped.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from flows import ui_options
from flows.only_ui import only_ui
from flows.tied import tied

HOST = "127.0.0.1"
LOG = Path(".scratch") / "prefect-server.log"
STARTUP_SECONDS = 120.0
GRACE_SECONDS = 10.0

Process = subprocess.Popen[bytes]


def main() -> None:
    parser = ui_options.parser("python -m flows.deploy", __doc__)
    default = int(os.environ.get("PREFECT_SERVER_API_PORT") or 4200)
    parser.add_argument(
        "--port", type=int, default=default, help="by default PREFECT_SERVER_API_PORT, or 4200"
    )
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = ui_options.arguments(given)
    with contextlib.suppress(KeyboardInterrupt):
        if address := os.environ.get("PREFECT_API_URL"):
            with only_ui(LOG.parent, address):
                _serve_flows(options, None)
        else:
            home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()  # where the database is
            with only_ui(home, f"http://{HOST}:{given.port}"):
                _serve_flows([*options, "--own-server"], _start_server(given.port))


def _serve_flows(options: list[str], server: Process | None) -> None:
    """Serve until stopped, or until one of the two ends: neither is of use without the other.

    Prefect serves on without its server, and takes minutes to stop: hence a process apart.
    """
    serving = subprocess.Popen(tied("flows.serving", *options), start_new_session=True)
    try:
        while serving.poll() is None:
            if server and server.poll() is not None:
                sys.exit(f"the Prefect server ended; {_end_of_log()}")
            time.sleep(0.3)
        sys.exit(serving.returncode)
    finally:
        _end(serving)
        if server:
            _end(server)


def _end(process: Process) -> None:
    """Ctrl-C to the process and what it started; SIGKILL to what is left after the grace period."""
    for sent in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, sent)
            process.wait(GRACE_SECONDS)


def _start_server(port: int) -> Process:
    """A server that is ready, to which PREFECT_API_URL points from now on."""
    if _is_taken(port):
        sys.exit(
            f"port {port} is taken: choose another one with --port, or use the server that is there with "
            f"PREFECT_API_URL=http://{HOST}:{port}/api"
        )
    # The UI too asks for this address; --port alone would leave it asking port 4200.
    os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
    LOG.parent.mkdir(exist_ok=True)
    command = tied("prefect", "server", "start", "--host", HOST, "--port", str(port))
    with LOG.open("wb") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True)
    deadline = time.monotonic() + STARTUP_SECONDS
    while not _is_ready(port) or server.poll() is not None:
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            sys.exit(f"the Prefect server did not start; {_end_of_log()}")
        time.sleep(0.3)
    print(f"the Prefect UI: http://{HOST}:{port}", flush=True)
    return server


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server: one that ended has gone
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/api/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _end_of_log() -> str:
    return f"{LOG} ends:\n{LOG.read_text(encoding='utf-8', errors='replace')[-2000:]}"


if __name__ == "__main__":
    main()
