"""Imports that take seconds, without Python's garbage collector: a sixth of their time is its own."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Imports make hundreds of thousands of objects that stay, and the collector looks at all of them again
    and again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
