"""Work in processes of its own."""

import os

import joblib  # noqa: F401 - it sets a variable of OpenMP when it is imported

from stages.program.jobs import run_jobs
from stages.schema.params import Executor


def threads_of_a_process(_: int) -> str | None:
    return os.environ.get("OPENBLAS_NUM_THREADS")


def test_each_process_computes_with_one_thread_and_this_one_as_before() -> None:
    before = dict(os.environ)
    assert set(run_jobs(threads_of_a_process, range(2), 2, Executor(num_processes=2))) == {"1"}
    assert dict(os.environ) == before
