"""Characters as tokens."""

from typing import Literal

from stages.tokens.tokens import Case, Tokens, in_case


class Characters(Tokens):
    """Every character is a token, the space between words too."""

    def __init__(
        self,
        case: Case = "lower",
        blank: Literal["first", "last"] = "first",
    ) -> None:
        super().__init__(blank)
        self.case = case

    def normalize(self, text: str) -> str:
        return in_case(super().normalize(text), self.case)

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, tokens: list[str]) -> str:
        return "".join(tokens)
