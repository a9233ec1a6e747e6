"""The flows in the Prefect UI, retraining every night: make ui

python -m flows.deploy [--port 4200] [--cron "0 3 * * *"]

Starts a server that only this machine reaches, unless PREFECT_API_URL names one, and runs here what is
started or scheduled there, until it is stopped.
"""

import argparse
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from flows.tied import tied

HOST = "127.0.0.1"
STARTUP_SECONDS = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m flows.deploy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument(
        "--cron", default="0 3 * * *", help="when to retrain; by default every night at three"
    )
    given = parser.parse_args()
    if "PREFECT_API_URL" in os.environ:
        serve_flows(given.cron)
        return
    # The UI too asks for this address; --port alone would leave it asking port 4200.
    os.environ["PREFECT_API_URL"] = f"http://{HOST}:{given.port}/api"
    server = _start_server(given.port)
    try:
        serve_flows(given.cron)
    finally:
        server.terminate()
        server.wait()


def serve_flows(cron: str) -> None:
    """Register the deployments and run what is asked of them, until interrupted."""
    from prefect import serve
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy

    from flows.pipeline import pipeline
    from flows.retrain import retrain
    from flows.tune import tune

    alone = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    serve(
        pipeline.to_deployment("pipeline"),  # type: ignore[arg-type]
        retrain.to_deployment("nightly", cron=cron, concurrency_limit=alone, paused=False),  # type: ignore[arg-type]
        tune.to_deployment("tune"),  # type: ignore[arg-type]
    )


def _start_server(port: int) -> "subprocess.Popen[bytes]":
    log = Path(".scratch") / "prefect-server.log"
    log.parent.mkdir(exist_ok=True)
    command = tied("prefect", "server", "start", "--host", HOST, "--port", str(port))
    with log.open("wb") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True)
    deadline = time.monotonic() + STARTUP_SECONDS
    while not _is_ready(port):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            sys.exit(f"the Prefect server did not start; {log} ends:\n{log.read_text()[-2000:]}")
        time.sleep(0.3)
    print(f"the Prefect UI: http://{HOST}:{port}", flush=True)
    return server


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/api/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()
