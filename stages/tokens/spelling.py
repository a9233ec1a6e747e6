"""How tokens become a text, as data: a runtime has the vocabulary of an exported model, not its class."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Spelling:
    """``separator`` is put between tokens; ``space``, if given, represents a space within them.

    With ``space``, a text has single spaces and none at its ends.
    """

    separator: str = ""
    space: str = ""

    def join(self, tokens: Iterable[str]) -> str:
        text = self.separator.join(tokens)
        return " ".join(text.replace(self.space, " ").split()) if self.space else text
