"""Characters as tokens."""

from collections.abc import Iterable
from typing import Annotated, Literal

from annotated_types import MinLen

from stages.tokens.tokens import BLANK, Case, Tokens, in_case


class Characters(Tokens):
    """Every character is a token, the space between words too.

    The vocabulary is those of the training transcripts, sorted; or ``alphabet``, in its own order, as that of
    a checkpoint to start from. A training transcript with any other character is then refused.
    """

    def __init__(
        self,
        case: Case = "lower",
        blank: Literal["first", "last"] = "first",
        alphabet: Annotated[str, MinLen(1)] | None = None,
    ) -> None:
        super().__init__(blank)
        self.case = case
        self.alphabet = alphabet

    @staticmethod
    def check_arguments(alphabet: str | None = None, case: Case = "lower", **_: object) -> None:
        letters = alphabet or ""
        if twice := sorted({letter for letter in letters if letters.count(letter) > 1}):
            raise ValueError(f"alphabet: {', '.join(map(repr, twice))} more than once")
        if letters != in_case(letters, case):
            raise ValueError(f"alphabet: {letters!r} never occurs as such with case: {case}")

    def fit(self, texts: Iterable[str]) -> None:
        if self.alphabet is None:
            return super().fit(texts)
        self.restore([BLANK, *self.alphabet] if self.blank == "first" else [*self.alphabet, BLANK])

    def normalize(self, text: str) -> str:
        return in_case(super().normalize(text), self.case)

    def split(self, text: str) -> list[str]:
        return list(text)
