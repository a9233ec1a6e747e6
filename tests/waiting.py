"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(found: Callable[[], T], seconds: float = 600.0, said: Callable[[], str] = str) -> T:
    """What is found at last; AssertionError, with what was ``said``, where it never is.

    ``seconds`` are for a busy machine.
    """
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, said()
        time.sleep(0.2)
    return answer
