"""Processes that never outlive the one that started them, and honest exits on signals."""

import ctypes
import os
import select
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
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


def num_cores() -> int:
    """Those that this process may use: containers and schedulers give it fewer than the machine has."""
    from joblib import cpu_count

    return int(cpu_count())


def in_threads(function: Callable[[T], R], items: Iterable[T], batch_size: int = 1) -> Iterator[R]:
    """Apply a function that releases the interpreter's lock to items, results in their order.

    A thread gets ``batch_size`` items at a time. Threads are two batches ahead of who takes the results, so
    that these fill no memory, and leave a batch unfinished when nobody takes them any more.
    """
    left, ahead = threading.Event(), deque[Future[list[R]]]()

    def work(batch: list[T]) -> list[R]:
        return [function(item) for item in batch if not left.is_set()]

    rest, num_threads = iter(items), num_cores()
    pool = ThreadPoolExecutor(num_threads)
    try:
        while batch := list(islice(rest, batch_size)):
            ahead.append(pool.submit(work, batch))
            if len(ahead) > 2 * num_threads:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    finally:
        left.set()
        pool.shutdown(cancel_futures=True)
