"""Allow one make ui at a time for a server's database: two would start runs twice, or each other's."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


@contextlib.contextmanager
def only_ui(folder: Path, address: str) -> Iterator[None]:
    """Hold the lock in this folder; exit with the other one's address if it is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    lock, where = FileLock(folder / "earshot-ui.lock"), folder / "earshot-ui.txt"
    try:
        lock.acquire(blocking=False)
    except Timeout:
        sys.exit(
            f"make ui is already running: {where.read_text(encoding='utf-8') if where.exists() else folder}"
        )
    try:
        where.write_text(f"{address}, process {os.getpid()} in {Path.cwd()}", encoding="utf-8")
        yield
    finally:
        lock.release()
