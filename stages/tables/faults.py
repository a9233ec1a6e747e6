"""Collects the faulty rows of a file: names the first ones, counts all of them."""

from pathlib import Path

NUM_EXAMPLES = 10


class Faults:
    """``kind`` is the plural of what is faulty, such as rows; ``file`` is named first in the error, unless
    ``readable`` names it.
    """

    def __init__(self, kind: str = "rows", file: Path | None = None) -> None:
        self.kind = kind
        self.place = f"{file}, " if file else ""
        self.first: list[str] = []
        self.count = 0

    def add(self, what: object) -> None:
        """Add the place in the file, what was expected there and what was found."""
        self.count += 1
        if self.count <= NUM_EXAMPLES:
            self.first.append(str(what))

    def stop(self, advice: str) -> None:
        """ValueError if there are any; ``advice`` is what to do."""
        if self.count:
            found = f"{self.place}{'; '.join(self.first)}"
            raise ValueError(f"{found} (faulty {self.kind} in all: {self.count}); {advice}")
