"""Check for optional packages before anything runs.

As in stages.preflight.agreement, a check is a generator of problems.
"""

from importlib.util import find_spec
from typing import Any

from stages.schema.extras import needs
from stages.schema.problems import Problems, problem


def loggers(params: Any) -> Problems:
    for index, part in enumerate(params.train.loggers):
        if part.load().__name__ == "WandbLogger" and not find_spec("wandb"):
            yield problem(("train", "loggers", index), needs("wandb"))


def executor(params: Any) -> Problems:
    if params.features.executor.dask_scheduler and not find_spec("distributed"):
        yield problem(("features", "executor", "dask_scheduler"), needs("distributed"))
