"""The number of cores, and threads for them."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def num_cores() -> int:
    """Cores that this process may use: containers and schedulers may allow fewer than the machine has."""
    from joblib import cpu_count

    return int(cpu_count())


def in_threads(function: Callable[[T], R], items: Iterable[T], batch_size: int = 1) -> Iterator[R]:
    """Apply a function that releases the GIL to items; yield results in their order.

    A thread gets ``batch_size`` items at a time. Threads are at most two batches ahead of the consumer, to
    limit memory, and stop within a batch when the iterator is closed.
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
