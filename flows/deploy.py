"""The flows in the Prefect UI, retraining every night: make ui

python -m flows.deploy [--port 4200] [--cron "0 3 * * *"] [--timezone Europe/Berlin]

Starts a server that only this machine reaches, unless PREFECT_API_URL names one, and runs here what is
started or scheduled there, until it is stopped. What runs the flows is started again when it is killed.
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
QUICK_SECONDS = 60.0  # what is killed sooner would be again


def main() -> None:
    parser = ui_options.parser("python -m flows.deploy", __doc__)
    default = int(os.environ.get("PREFECT_SERVER_API_PORT") or 4200)
    parser.add_argument(
        "--port", type=int, default=default, help="by default PREFECT_SERVER_API_PORT, or 4200"
    )
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's & had it ignored
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
    """Exits where they are none."""
    if cron is None and timezone is None:
        return
    from flows import retraining_schedule  # with Prefect, a second

    try:
        retraining_schedule.check(cron, timezone)
    except ValueError as error:
        sys.exit(str(error))


def _serve_flows(given: argparse.Namespace, server: Process | None) -> None:
    """Serve until stopped, or until the server ends or what serves ends by itself."""
    own = ["--own-server"] if server else []
    try:
        while True:
            began = time.monotonic()
            code = _serve_once([*ui_options.arguments(given), *own], server)
            if code >= 0:
                sys.exit(code or "what runs the flows was stopped")
            killed = f"what runs the flows was killed ({signal.Signals(-code).name})"
            if time.monotonic() - began < QUICK_SECONDS:
                _end(f"{killed} as soon as it had begun")
            print(f"{killed}; it is started again", flush=True)
            given.cron = given.timezone = None  # since then somebody may have changed them in the UI
    finally:
        if server:
            prefect_server.end(server)


def _serve_once(options: list[str], server: Process | None) -> int:
    """Its exit code.

    Prefect serves on without its server, and takes minutes to stop: hence a process apart.
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
    """Of what nobody asked to end: no scheduled run begins any more."""
    from flows.notification import notify  # with Prefect, a second

    notify(f"Earshot: make ui ended: {why}")
    sys.exit(why)


def _start_server(port: int) -> Process:
    """A server that is ready, to which PREFECT_API_URL points from now on."""
    if _is_taken(port):
        sys.exit(
            f"port {port} is taken: choose another one with --port, or use the server that is there with "
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
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server: one that ended has gone
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    main()
