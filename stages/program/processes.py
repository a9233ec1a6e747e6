"""Processes that never outlive the one that started them, and honest exits on signals."""

import contextlib
import ctypes
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None) -> None:
    """Ask the kernel to kill this process when its parent dies (Linux; elsewhere nothing happens).

    ``parent`` is the parent's process id, from a time when it certainly lived.
    """
    if sys.platform != "linux":
        return
    parent = parent or os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before the request
        os._exit(1)


def die_with_dvc() -> None:
    """Die when the dvc that runs this stage does, though a shell may stand between the two (Linux).

    Some shells (bash) put the stage in their own place, others (dash) wait for it and, as they are not
    its kind of parent, survive dvc.
    """
    if sys.platform != "linux" or "DVC_STAGE" not in os.environ:
        return
    try:
        life = os.pidfd_open(_dvc())
    except OSError:  # a kernel before 5.3, or a parent that this container does not see
        return

    def wait() -> None:
        select.select([life], [], [])
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def _dvc() -> int:
    """The first process above that does not have this stage's environment: not its shell."""
    own = _stage_of("self")
    parent = os.getppid()
    while _stage_of(str(parent)) == own:
        parent = int(Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[1])
    return parent


def _stage_of(process: str) -> set[bytes]:
    """Which stage of which project dvc started a process for."""
    variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    return {variable for variable in variables if variable.startswith((b"DVC_STAGE=", b"DVC_ROOT="))}


def parallel(function: Callable[[T], R], items: Iterable[T], num_processes: int | None) -> Iterator[R]:
    """Apply a function to items in fresh processes, results as they are ready; in this process for one.

    Each of them computes with one thread: libraries that start one for every core would only wait.
    """
    work = list(items)
    count = min(num_processes or os.cpu_count() or 1, len(work))
    if count <= 1:
        yield from map(function, work)
        return
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=die_with_parent)
    with contextlib.ExitStack() as stack:
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        with _environment(OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", OMP_NUM_THREADS="1"):
            futures = [pool.submit(function, item) for item in work]
        for future in as_completed(futures):
            try:
                yield future.result()
            except ValueError as error:  # as if raised in this process, without the pool's traceback
                raise ValueError(str(error)) from error


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """What processes started meanwhile find in their environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def in_threads(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Apply a function that releases the interpreter's lock to items, results in their order."""
    from joblib import Parallel, delayed

    results: Iterator[R] = Parallel(n_jobs=-1, prefer="threads", return_as="generator")(
        delayed(function)(item) for item in items
    )
    return results
