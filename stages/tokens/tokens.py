"""The interface of vocabularies: text to token indices and back, with the blank."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from stages.tokens.normalization import PLAIN, Normalization
from stages.tokens.spelling import Spelling

BLANK = "<blank>"


class Tokens(ABC):
    """A vocabulary fitted on the training transcripts, or restored from a checkpoint.

    ``vocabulary`` lists the tokens by index, the blank at ``blank_index``. It is part of every
    checkpoint: the same weights with another order would decode to wrong letters without an error.
    """

    content: ClassVar[str] = "text"  # what it encodes: each task and metric supports one kind
    spelling: ClassVar[Spelling] = Spelling()  # how tokens become a text; exported with the vocabulary

    def __init__(
        self, blank: Literal["first", "last"] = "first", normalization: Normalization = PLAIN
    ) -> None:
        self.blank = blank
        self.normalization = normalization
        self.vocabulary: list[str] = []
        self._indices: dict[str, int] = {}

    @property
    def blank_index(self) -> int:
        return 0 if self.blank == "first" else len(self.vocabulary) - 1

    def fit(self, texts: Iterable[str]) -> None:
        """Collect the tokens of all texts, sorted, and place the blank."""
        found = sorted({token for text in texts for token in self.split(self.normalize(text))})
        self.restore([BLANK, *found] if self.blank == "first" else [*found, BLANK])

    def restore(self, vocabulary: Sequence[str]) -> None:
        """Use a vocabulary as it is; ValueError if it has duplicates or the blank is misplaced."""
        self.vocabulary = list(vocabulary)
        self._indices = {token: index for index, token in enumerate(self.vocabulary)}
        if len(self._indices) != len(self.vocabulary) or self._indices.get(BLANK) != self.blank_index:
            raise ValueError(f"vocabulary needs distinct tokens and {BLANK} {self.blank}: {self.vocabulary}")

    def state(self) -> str:
        """What a checkpoint needs besides the vocabulary to split texts; empty if nothing."""
        return ""

    def restore_state(self, state: str) -> None:  # noqa: B027 - most vocabularies have none
        """Restore the result of ``state``; runs no code from it."""

    def transcripts(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """What to recognise in utterances, from their rows in the index of a split: their texts."""
        return [row["text"] for row in rows]

    def encode(self, text: str) -> list[int]:
        """Indices of a text's tokens; ValueError naming those outside the vocabulary."""
        if unknown := self.unknown(text):
            raise ValueError(f"outside the vocabulary: {' '.join(map(repr, unknown))} in {text!r}")
        return [self._indices[token] for token in self.split(self.normalize(text))]

    def encode_known(self, text: str) -> list[int]:
        """Like encode, without the tokens outside the vocabulary: for losses on held-out text."""
        return [self._indices[t] for t in self.split(self.normalize(text)) if t in self._indices]

    def unknown(self, text: str) -> list[str]:
        """The tokens of a text that the vocabulary lacks, sorted."""
        return sorted({token for token in self.split(self.normalize(text)) if token not in self._indices})

    def decode(self, indices: Iterable[int]) -> str:
        """The text of token indices (no blanks among them)."""
        return self.join([self.vocabulary[index] for index in indices])

    def normalize(self, text: str) -> str:
        """A text as used for training and for comparison with hypotheses."""
        return self.normalization(text)

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """The tokens of a normalised text."""

    def join(self, tokens: list[str]) -> str:
        """The text of tokens."""
        return self.spelling.join(tokens)
