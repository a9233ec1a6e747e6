"""How tokens become a text, as data: a runtime has an exported model's vocabulary, and not its class."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Spelling:
    """``separator`` stands between tokens; ``space``, if it is given, stands for a space within them.

    A text whose tokens bring their spaces has single ones, and none at its ends.
    """

    separator: str = ""
    space: str = ""

    def join(self, tokens: Iterable[str]) -> str:
        text = self.separator.join(tokens)
        return " ".join(text.replace(self.space, " ").split()) if self.space else text
