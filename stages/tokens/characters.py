"""Characters as tokens."""

from typing import Literal

from stages.tokens.tokens import Tokens


class Characters(Tokens):
    """Every character is a token, the space between words too."""

    def __init__(
        self,
        case: Literal["lower", "upper", "keep"] = "lower",
        blank: Literal["first", "last"] = "first",
    ) -> None:
        super().__init__(blank)
        self.case = case

    def normalize(self, text: str) -> str:
        text = super().normalize(text)
        # NFC once more: changing case can decompose (the Turkish dotted capital I, for one)
        return super().normalize({"lower": text.lower(), "upper": text.upper(), "keep": text}[self.case])

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, tokens: list[str]) -> str:
        return "".join(tokens)
