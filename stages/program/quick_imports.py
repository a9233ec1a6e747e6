"""Run slow imports without Python's garbage collector, which takes a sixth of their time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Disable the collector: imports create hundreds of thousands of permanent objects, and it scans all of
    them repeatedly.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
