"""Run here what is started or scheduled in the Prefect UI: python -m flows.serving [CRON]

``make ui`` starts it beside its server.
"""

import os
import signal
import sys

from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy

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
        pipeline.to_deployment("pipeline"),  # type: ignore[arg-type]
        retrain.to_deployment("nightly", cron=cron, concurrency_limit=alone, paused=False),  # type: ignore[arg-type]
        tune.to_deployment("tune"),  # type: ignore[arg-type]
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
