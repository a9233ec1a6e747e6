"""What is wrong with the rows of a file: the first ones are named, all of them are counted."""

from pathlib import Path

NUM_EXAMPLES = 10


class Faults:
    """Gathered while a file is read to its end; ``kind`` is what there are several of, such as rows, ``file``
    what the error names first, unless readable does.
    """

    def __init__(self, kind: str = "rows", file: Path | None = None) -> None:
        self.kind = kind
        self.place = f"{file}, " if file else ""
        self.first: list[str] = []
        self.count = 0

    def add(self, what: object) -> None:
        """The place in the file, what was expected there and what was found."""
        self.count += 1
        if self.count <= NUM_EXAMPLES:
            self.first.append(str(what))

    def stop(self, advice: str) -> None:
        """ValueError if there were any; ``advice`` is what to do."""
        if self.count:
            found = f"{self.place}{'; '.join(self.first)}"
            raise ValueError(f"{found} (faulty {self.kind} in all: {self.count}); {advice}")
