"""Characters as tokens."""

from collections.abc import Iterable
from typing import Annotated, Literal

from annotated_types import MinLen

from stages.tokens.normalization import Normalization
from stages.tokens.tokens import BLANK, Tokens


class Characters(Tokens):
    """Every character is a token, including the space between words.

    The vocabulary is the sorted characters of the training transcripts, or ``alphabet`` in its order, for
    example that of a checkpoint to start from; other characters in training transcripts are then an error.
    """

    def __init__(
        self,
        normalization: Normalization = Normalization(),
        blank: Literal["first", "last"] = "first",
        alphabet: Annotated[str, MinLen(1)] | None = None,
    ) -> None:
        super().__init__(blank, normalization)
        self.alphabet = alphabet

    @staticmethod
    def check_arguments(
        alphabet: str | None = None, normalization: Normalization = Normalization(), **_: object
    ) -> None:
        letters = alphabet or ""
        if twice := sorted({letter for letter in letters if letters.count(letter) > 1}):
            raise ValueError(f"alphabet: duplicated {', '.join(map(repr, twice))}")
        if never := sorted(letter for letter in letters if not normalization.writes(letter)):
            raise ValueError(
                f"alphabet: {', '.join(map(repr, never))} never occurs in texts with this normalization"
            )

    def fit(self, texts: Iterable[str]) -> None:
        if self.alphabet is None:
            return super().fit(texts)
        self.restore([BLANK, *self.alphabet] if self.blank == "first" else [*self.alphabet, BLANK])

    def split(self, text: str) -> list[str]:
        return list(text)
