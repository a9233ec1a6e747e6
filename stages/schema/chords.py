"""Chords as text, root:chord_type/bass_note such as C#:min7/E; their types and pitch classes."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
CHORD_TYPES: Mapping[str, tuple[int, ...]] = MappingProxyType({  # semitones above the root
    "major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "augmented": (0, 4, 8),
    "maj7": (0, 4, 7, 11), "dom7": (0, 4, 7, 10), "min7": (0, 3, 7, 10), "minmaj7": (0, 3, 7, 11),
    "half_dim7": (0, 3, 6, 10), "dim7": (0, 3, 6, 9), "sus2": (0, 2, 7), "sus4": (0, 5, 7),
    "add9": (0, 2, 4, 7), "add11": (0, 4, 5, 7), "madd9": (0, 2, 3, 7), "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9), "maj9": (0, 2, 4, 7, 11), "dom9": (0, 2, 4, 7, 10), "min9": (0, 2, 3, 7, 10),
    "dom11": (0, 2, 4, 5, 7, 10), "min11": (0, 2, 3, 5, 7, 10), "dom13": (0, 2, 4, 5, 7, 9, 10),
    "maj13": (0, 2, 4, 5, 7, 9, 11), "dom7b9": (0, 1, 4, 7, 10), "dom7sharp9": (0, 3, 4, 7, 10),
    "dom7b5": (0, 4, 6, 10), "dom7sharp5": (0, 4, 8, 10), "quartal3": (0, 5, 10),
    "quartal4": (0, 3, 5, 10), "cluster_whole": (0, 2, 4), "cluster_chromatic": (0, 1, 2),
})  # fmt: skip


class Chord(NamedTuple):
    """A chord's type, root and bass note by name."""

    chord_type: str
    root: str
    bass_note: str

    def __str__(self) -> str:
        return f"{self.root}:{self.chord_type}/{self.bass_note}"

    @classmethod
    def parse(cls, text: str) -> "Chord":
        """ValueError if the text is not root:chord_type/bass_note; any type is accepted."""
        root, _, rest = text.partition(":")
        chord_type, _, bass = rest.rpartition("/")
        if not chord_type or root not in PITCH_CLASSES or bass not in PITCH_CLASSES:
            raise ValueError(
                f"{text!r} is not a chord: expected root:chord_type/bass_note, such as C#:min7/E, with the"
                f" pitch classes {' '.join(PITCH_CLASSES)}"
            )
        return cls(chord_type, root, bass)

    @classmethod
    def of(cls, tokens: Iterable[str]) -> "Chord":
        """The chord of three tokens such as "type min7", "root C#", "bass E"."""
        return cls(*(token.partition(" ")[2] for token in tokens))

    def tokens(self) -> list[str]:
        return [f"type {self.chord_type}", f"root {self.root}", f"bass {self.bass_note}"]


def distinct_types(types: Sequence[str]) -> list[str]:
    """The configured chord types; ValueError if there are none or duplicates, or text would change one."""
    if not types or len(set(types)) != len(types):
        raise ValueError(f"types needs at least one chord type, without duplicates; found {list(types)}")
    for name in types:
        if not name or name != " ".join(unicodedata.normalize("NFC", name).split()):
            raise ValueError(f"types needs names in Unicode NFC without extra spaces; found {name!r}")
    return list(types)
