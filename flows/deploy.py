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
from pathlib import Path

from flows import prefect_server, ui_options
from flows.only_ui import only_ui
from flows.prefect_server import HOST, Process
from flows.tied import tied

LOG = Path(".scratch") / "prefect-server.log"
STARTUP_SECONDS = 120.0


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
                sys.exit(f"the Prefect server ended; {prefect_server.end_of(LOG)}")
            time.sleep(0.3)
        sys.exit(serving.returncode)
    finally:
        prefect_server.end(serving)
        if server:
            prefect_server.end(server)


def _start_server(port: int) -> Process:
    """A server that is ready, to which PREFECT_API_URL points from now on."""
    if _is_taken(port):
        sys.exit(
            f"port {port} is taken: choose another one with --port, or use the server that is there with "
            f"PREFECT_API_URL={prefect_server.api(port)}"
        )
    os.environ["PREFECT_API_URL"] = prefect_server.api(port)
    server = prefect_server.start(port, LOG)
    if not prefect_server.is_ready(server, port, STARTUP_SECONDS):
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
