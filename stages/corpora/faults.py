"""What is wrong with the rows of a file: the first is named, all of them are counted."""


class Faults:
    """Gathered while a file is read to its end; ``kind`` is what there are several of, such as rows."""

    def __init__(self, kind: str = "rows") -> None:
        self.kind = kind
        self.first = ""
        self.count = 0

    def add(self, what: object) -> None:
        """The place, what was expected there and what was found."""
        self.first = self.first or str(what)
        self.count += 1

    def stop(self, advice: str) -> None:
        """ValueError if there were any; ``advice`` is what to do."""
        if self.count:
            raise ValueError(f"{self.first} (faulty {self.kind} in all: {self.count}); {advice}")
