"""Run here what is started or scheduled in the Prefect UI: python -m flows.serving [CRON]

``make ui`` starts it beside its server.
"""

import os
import signal
import sys
from typing import Any

from prefect import Flow, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType

from flows.pipeline import pipeline
from flows.retrain import retrain
from flows.tied import FLOW_RUNS_TIED_TO
from flows.tune import tune


def main(cron: str) -> None:
    """Register the deployments and run what is asked of them, until Ctrl-C; runs under way end with it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & had it ignored
    os.environ[FLOW_RUNS_TIED_TO] = str(os.getpid())
    alone = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    serve(
        _deployment(pipeline, "pipeline"),
        _deployment(retrain, "nightly", cron=cron, concurrency_limit=alone, paused=False),
        _deployment(tune, "tune"),
    )


def _deployment(flow: Flow[..., Any], name: str, **options: Any) -> RunnerDeployment:
    """A run imports the flow as a module: of a file Prefect would put the folder first on sys.path."""
    made = flow.to_deployment(name, entrypoint_type=EntrypointType.MODULE_PATH, **options)
    assert isinstance(made, RunnerDeployment)  # and no coroutine, which it is among others
    return made


if __name__ == "__main__":
    main(*sys.argv[1:])
