"""The characters of a corpus: all, rare ones, and those that are never in train."""

import unicodedata
from dataclasses import dataclass

from stages.report.texts import RARE_COUNT, Texts

MAX_GLYPHS = 240
MAX_ROWS = 40


@dataclass(frozen=True)
class Glyph:
    """``kind`` is "unseen", "rare" or empty."""

    character: str
    name: str
    count: int
    kind: str


@dataclass(frozen=True)
class Occurrence:
    """A character and the first utterance that has it."""

    character: str
    name: str
    count: int
    utterance: str
    text: str


@dataclass(frozen=True)
class Occurrences:
    """The first rows of ``total``."""

    total: int
    rows: list[Occurrence]


@dataclass(frozen=True)
class Vocabulary:
    """``total`` characters, of which ``glyphs`` has the most frequent; rare ones occur less than
    ``rare_count`` times in train.
    """

    total: int
    rare_count: int
    glyphs: list[Glyph]
    unseen: Occurrences
    rare: Occurrences


def vocabulary(texts: Texts) -> Vocabulary:
    total, rare, unseen = texts.total(), texts.rare(), texts.unseen()
    ordered = sorted(total, key=lambda character: (-total[character], character))
    # Rare and unseen characters are always shown.
    first = sorted(
        {*ordered[:MAX_GLYPHS], *list(rare)[:MAX_ROWS], *list(unseen)[:MAX_ROWS]}, key=ordered.index
    )
    kinds = dict.fromkeys(rare, "rare") | dict.fromkeys(unseen, "unseen")
    glyphs = [Glyph(each, _name(each), total[each], kinds.get(each, "")) for each in first]
    return Vocabulary(len(total), RARE_COUNT, glyphs, _occurrences(unseen, texts), _occurrences(rare, texts))


def _occurrences(found: dict[str, int], texts: Texts) -> Occurrences:
    def of(character: str) -> Occurrence:
        row, admissions = texts.first[character], texts.admissions
        name = _name(character)
        return Occurrence(character, name, found[character], admissions.id(row), admissions.text(row))

    return Occurrences(len(found), [of(character) for character in list(found)[:MAX_ROWS]])


def _name(character: str) -> str:
    return unicodedata.name(character, "unnamed").capitalize()
