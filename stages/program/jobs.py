"""Run independent jobs in processes of this machine or on a Dask cluster."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any, TypeVar

from stages.program.parents import serve_parent
from stages.program.processes import num_cores
from stages.schema.params import Executor

T = TypeVar("T")
R = TypeVar("R")
CONNECT_SECONDS = 20


class LostWorker(ValueError):
    """A worker process was killed or crashed."""


def run_jobs(
    function: Callable[[T], R], jobs: Iterable[T], num_jobs: int, executor: Executor
) -> Generator[R, None, None]:
    """Apply a function to jobs and yield results as they complete; in this process if one is enough.

    Jobs are read a few at a time. Each process computes with one thread: with one for every core, threads
    would only wait. Local processes die with this one, and immediately when the iterator is closed. A
    ValueError of the function is raised here; LostWorker if a process was killed.
    """
    if not num_jobs:
        return
    with contextlib.ExitStack() as stack:
        if executor.dask_scheduler:
            backend, count = stack.enter_context(_cluster(executor.dask_scheduler)), -1
            function = partial(_apart, function)
        else:
            count = min(executor.num_processes or num_cores(), num_jobs)
            backend = _local()
        if count == 1:
            yield from map(function, jobs)
            return
        results = stack.enter_context(contextlib.closing(_start(function, jobs, count, backend)))
        with _plain_errors():
            yield from results


def reach(executor: Executor) -> None:
    """ValueError if jobs run on a Dask cluster that does not answer."""
    if executor.dask_scheduler:
        with _cluster(executor.dask_scheduler):
            pass


def _start(function: Callable[[T], R], jobs: Iterable[T], count: int, backend: dict[str, Any]) -> Any:
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(**backend):
        parallel = Parallel(n_jobs=count, batch_size=1, max_nbytes=None, return_as="generator_unordered")
        return parallel(delayed(function)(job) for job in jobs)


def _local() -> dict[str, Any]:
    """Fresh processes (loky starts them with exec), each with one thread for OpenMP and every BLAS."""
    return {
        "backend": "loky", "inner_max_num_threads": 1,
        "initializer": serve_parent, "initargs": (os.getpid(),),
    }  # fmt: skip


def _apart(function: Callable[[T], R], job: T) -> R:
    """Run a job in a process that a Dask worker keeps for it: some jobs seed random and numpy, from which
    other threads of the worker's own process draw.
    """
    from joblib.externals.loky import get_reusable_executor

    multiprocessing.current_process().daemon = False  # daemonic, as Dask's are, it could not start one
    process = get_reusable_executor(max_workers=1, initializer=serve_parent, initargs=(os.getpid(),))
    result: R = process.submit(function, job).result()
    return result


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Raise a worker's errors without the traceback of the other process."""
    try:
        yield
    except LostWorker:
        raise
    except ValueError as error:
        raise ValueError(str(error)) from error
    except ModuleNotFoundError as error:
        raise ValueError(f"a worker has no module {error.name}: install this project there") from error
    except BrokenProcessPool as error:
        raise LostWorker("a worker process was killed, possibly out of memory, or crashed") from error


@contextlib.contextmanager
def _cluster(scheduler: str) -> Iterator[dict[str, Any]]:
    """joblib's backend for the workers of a Dask cluster; ValueError if no scheduler answers."""
    from distributed import Client

    from stages.compat.joblib_dask import DaskBackend

    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ValueError(f"features.executor.dask_scheduler: {scheduler} does not answer: {error}") from error
    with client:
        try:
            yield {"backend": DaskBackend(client=client, lost=_given_up)}
        except TimeoutError as error:
            raise ValueError(f"features.executor.dask_scheduler: {scheduler} has no workers") from error


def _given_up(error: BaseException) -> LostWorker:
    return LostWorker(f"the Dask cluster gave up a job: {error}")
