"""A progress bar with count, rate and time left; outside a terminal one line at the end."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

T = TypeVar("T")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.1f}/s")


def track(items: Iterable[T], description: str, total: int, unit: str) -> Iterator[T]:
    """Yield the items and show how many are done, the rate, and the time left."""
    started = time.monotonic()
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit), _Rate(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total)
        for item in items:
            yield item
            progress.advance(task)
    seconds = time.monotonic() - started
    rate = total / seconds if seconds else 0.0
    print(f"{description}: {total} {unit} in {seconds:.1f} s ({rate:.1f} {unit}/s)", file=sys.stderr)
