"""Serve the flows in the Prefect UI, with retraining every night: make ui

python -m flows.deploy [--port 4200] [--cron "0 3 * * *"] [--timezone Europe/Berlin]

Starts a server that only this machine can reach, unless PREFECT_API_URL is set, and runs here what is
started or scheduled there, until it is stopped. The process that runs the flows is restarted if it is killed.
"""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from flows import prefect_server, ui_options
from flows.only_ui import only_ui
from flows.prefect_server import HOST, Process
from flows.tied import tied

LOG = Path(".scratch") / "prefect-server.log"
QUICK_SECONDS = 60.0  # no restart after less time: it would be killed again


def main() -> None:
    parser = ui_options.parser("python -m flows.deploy", __doc__)
    default = int(os.environ.get("PREFECT_SERVER_API_PORT") or 4200)
    parser.add_argument(
        "--port", type=int, default=default, help="by default PREFECT_SERVER_API_PORT, or 4200"
    )
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's & made it ignored
    _check_schedule(given.cron, given.timezone)
    with contextlib.suppress(KeyboardInterrupt):
        if address := os.environ.get("PREFECT_API_URL"):
            with only_ui(LOG.parent, address):
                _serve_flows(given, None)
        else:
            home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()  # where the database is
            with only_ui(home, f"http://{HOST}:{given.port}"):
                _serve_flows(given, _start_server(given.port))


def _check_schedule(cron: str | None, timezone: str | None) -> None:
    """Exit if they are not valid."""
    if cron is None and timezone is None:
        return
    from flows import retraining_schedule  # imports Prefect, which takes a second

    try:
        retraining_schedule.check(cron, timezone)
    except ValueError as error:
        sys.exit(str(error))


def _serve_flows(given: argparse.Namespace, server: Process | None) -> None:
    """Serve until stopped, or until the server or the serving process ends."""
    own = ["--own-server"] if server else []
    try:
        while True:
            began = time.monotonic()
            code = _serve_once([*ui_options.arguments(given), *own], server)
            if code >= 0:
                sys.exit(code or "the process that runs the flows was stopped")
            killed = f"the process that runs the flows was killed ({signal.Signals(-code).name})"
            if time.monotonic() - began < QUICK_SECONDS:
                _end(f"{killed} right after its start")
            print(f"{killed}; restarting it", flush=True)
            given.cron = given.timezone = None  # the user may have changed them in the UI since
    finally:
        if server:
            prefect_server.end(server)


def _serve_once(options: list[str], server: Process | None) -> int:
    """Serve in a separate process and return its exit code.

    Prefect keeps serving after its server has ended, and takes minutes to stop.
    """
    serving = subprocess.Popen(tied("flows.serving", *options), start_new_session=True)
    try:
        while serving.poll() is None:
            if server and server.poll() is not None:
                _end(f"the Prefect server ended; {prefect_server.end_of(LOG)}")
            time.sleep(0.3)
        return serving.returncode
    finally:
        prefect_server.end(serving)


def _end(why: str) -> NoReturn:
    """Exit after a failure and notify: no scheduled run starts any more."""
    from flows.notification import notify  # imports Prefect, which takes a second

    notify(f"Earshot: make ui ended: {why}")
    sys.exit(why)


def _start_server(port: int) -> Process:
    """Start a server, wait until it is ready, and set PREFECT_API_URL to it."""
    if _is_taken(port):
        sys.exit(
            f"port {port} is in use: choose another one with --port, or use the server on it with "
            f"PREFECT_API_URL={prefect_server.api(port)}"
        )
    os.environ["PREFECT_API_URL"] = prefect_server.api(port)
    server = prefect_server.start(port, LOG)
    if not prefect_server.is_ready(server, port):
        server.kill()
        sys.exit(f"the Prefect server did not start; {prefect_server.end_of(LOG)}")
    print(f"the Prefect UI: http://{HOST}:{port}", flush=True)
    return server


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server: TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    main()
