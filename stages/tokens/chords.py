"""The classes of a chord as tokens: its type, its root and its bass."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from stages.schema.chords import CHORD_TYPES, PITCH_CLASSES, Chord, distinct_types
from stages.tokens.tokens import Tokens


class Chords(Tokens):
    """A chord, written root:chord_type/bass_note, is three tokens: type, root and bass, in this order.

    The vocabulary does not depend on the texts: it lists ``types`` (by default the 32 of
    stages.schema.chords), then twelve roots, then twelve basses, without a blank (its index is -1). A chord
    of another type has no tokens: ``encode`` and ``encode_known`` reject it, in held-out text too.
    """

    content: ClassVar[str] = "chords"
    blank_index = -1  # none of the tokens

    def __init__(self, types: list[str] = list(CHORD_TYPES)) -> None:  # noqa: B006 - never changed
        super().__init__()
        self.types = types

    @staticmethod
    def check_arguments(types: Sequence[str] = tuple(CHORD_TYPES)) -> None:
        distinct_types(types)

    @property
    def group_sizes(self) -> tuple[int, int, int]:
        """The numbers of types, roots and basses in the vocabulary."""
        return len(self.types), len(PITCH_CLASSES), len(PITCH_CLASSES)

    def fit(self, texts: Iterable[str]) -> None:
        self.restore(self._listed())

    def restore(self, vocabulary: Sequence[str]) -> None:
        if list(vocabulary) != self._listed():
            raise ValueError(f"vocabulary has other chord types or another order: {list(vocabulary)}")
        self.vocabulary = list(vocabulary)
        self._indices = {token: index for index, token in enumerate(vocabulary)}

    def transcripts(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """The three labels of rows with a chord_type; else their texts."""
        return [
            str(Chord(*(row[name] for name in Chord._fields))) if row.get("chord_type") else row["text"]
            for row in rows
        ]

    def encode_known(self, text: str) -> list[int]:
        return self.encode(text)

    def split(self, text: str) -> list[str]:
        return Chord.parse(text).tokens()

    def join(self, tokens: list[str]) -> str:
        return str(Chord.of(tokens))

    def _listed(self) -> list[str]:
        pitches = [f"{part} {name}" for part in ("root", "bass") for name in PITCH_CLASSES]
        return [*(f"type {name}" for name in self.types), *pitches]
