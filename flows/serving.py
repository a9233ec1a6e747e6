"""Run flows that are started or scheduled in the Prefect UI: python -m flows.serving

``make ui`` starts this program together with its server.
"""

import argparse
import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from prefect import Flow, get_client, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL
from prefect.types.entrypoint import EntrypointType

from flows import forms, retraining_schedule, ui_options, watching
from flows.crashed import START_TAKES, end_crashed
from flows.missed import skip_missed
from flows.pipeline import pipeline
from flows.retrain import retrain
from flows.served_runs import RETRAINING, deployments
from flows.tied import FLOW_RUNS_TIED_TO
from flows.tune import tune


def main() -> None:
    """Register the deployments and run them when requested, until Ctrl-C, which also ends current runs."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & made it ignored
    parser = ui_options.parser("python -m flows.serving", __doc__)
    parser.add_argument("--own-server", action="store_true", help="no other process serves the server's runs")
    given = parser.parse_args()
    try:
        schedule = _prepare(given)
    except httpx.TransportError as error:
        sys.exit(
            f"no Prefect server answers at {PREFECT_API_URL.value()}, the value of PREFECT_API_URL"
            f" ({error}): start that server, or unset PREFECT_API_URL to let make ui start one"
        )
    except (RuntimeError, ValueError) as error:  # the server has another version, the schedule is not valid
        sys.exit(str(error))
    os.environ[FLOW_RUNS_TIED_TO] = str(os.getpid())
    watch = watching.Watch(given.alarm_hours, given.watch_seconds)
    threading.Thread(target=watch.run, daemon=True).start()
    alone = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    serve(
        _deployment(pipeline, "pipeline"),
        _deployment(retrain, RETRAINING, schedule, concurrency_limit=alone),
        _deployment(tune, "tune", parameters=forms.example_search()),
        pause_on_shutdown=False,  # else the next start cannot know what the user paused
    )


def _prepare(given: argparse.Namespace) -> CronSchedule | None:
    """End crashed runs and skip missed ones; return the schedule to set, if any.

    ValueError if an option is not valid.
    """
    with get_client(sync_client=True) as client:
        for line in end_crashed(client, timedelta() if given.own_server else START_TAKES):
            watching.say(line)
        for line in skip_missed(client, datetime.now(UTC)):
            print(line, flush=True)
        there = deployments(client).get(RETRAINING)
    schedule = retraining_schedule.wanted(there, given.cron, given.timezone)
    kept = [active.schedule for active in retraining_schedule.active(there)] if there else []
    described = retraining_schedule.described([schedule] if schedule else kept, datetime.now(UTC))
    print(f"retraining: {described}", flush=True)
    return schedule


def _deployment(
    flow: Flow[..., Any], name: str, schedule: CronSchedule | None = None, **options: Any
) -> RunnerDeployment:
    """Make a deployment whose runs import the flow as a module: for a file, Prefect changes sys.path."""
    made = flow.to_deployment(
        name,
        entrypoint_type=EntrypointType.MODULE_PATH,
        schedule=Cron(schedule.cron, timezone=schedule.timezone) if schedule else None,
        paused=False if schedule else None,
        **options,
    )
    assert isinstance(made, RunnerDeployment)  # its type includes a coroutine
    forms.explain(made)
    if not schedule:  # the server keeps fields that are not set
        made.model_fields_set.difference_update({"schedules", "paused"})
    return made


if __name__ == "__main__":
    main()
