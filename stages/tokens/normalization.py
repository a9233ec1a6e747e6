"""Normalises text for training, by rules of Unicode, independent of the language."""

import re
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import groupby
from typing import ClassVar, Literal, get_args

Case = Literal["lower", "upper", "keep"]
Punctuation = Literal["keep", "remove"]
Version = Literal[0, 1]

JOINERS = "\u200c\u200d"  # they join or separate letters, in Persian and scripts of India
SIGNS = "'\u2019-"  # apostrophes and the hyphen
INSIDE_WORDS = SIGNS + JOINERS
APOSTROPHE = "['\u2019]"
# They select a form of a character, such as a coloured emoji; the first one joins marks.
SELECTORS = {"\u034f", *map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))}
DIGIT = "0"  # a neighbour without case that composes with nothing


class _Spellings(dict[int, str]):
    """Version 1: maps typographic variants, which sound the same, to one spelling; filled on first use."""

    QUOTES = "\u2018\u2019\u201a\u201b\u02bc\uff07`\u00b4", "\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02"
    HYPHENS, DASHES = "\u2010\u2011\u2012\u2212", "\u2013\u2014\u2015"

    def __missing__(self, code: int) -> str:
        self[code] = self._spelled(chr(code))
        return self[code]

    def _spelled(self, character: str) -> str:
        apostrophes, quotes = self.QUOTES
        for variants, one in ((apostrophes, "'"), (quotes, '"'), (self.HYPHENS, "-"), (self.DASHES, " - ")):
            if character in variants:
                return one
        category = unicodedata.category(character)
        if category in ("Lu", "Ll", "Lt", "Lo", "Nd"):  # ligatures, full-width and presentation forms
            letters = unicodedata.normalize("NFKC", character)
            return letters if letters == character else "".join(self[ord(letter)] for letter in letters)
        if (category == "Cf" and character not in JOINERS) or character in SELECTORS:
            return ""  # also soft hyphens and direction marks
        return "..." if character == "\u2026" else character


class _Words(dict[int, str]):
    """Keeps letters, marks and digits of any script and signs within words; the rest becomes spaces."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kept = unicodedata.category(character)[0] in "LMN" or character in INSIDE_WORDS
        self[code] = character if kept else " "
        return self[code]


SPELLINGS, WORDS = _Spellings(), _Words()
# Marks (after WORDS the only characters outside \w) with joiners in between.
MARKS = f"[{JOINERS}]*[^\\w {JOINERS}{SIGNS}][^\\w {SIGNS}]*"
SEVERAL_SIGNS = re.compile(f"[{SIGNS}](?:[{SIGNS}]|{MARKS})+")
STRAY_MARKS = re.compile(f" {MARKS}")  # not on a letter, digit or mark


@dataclass(frozen=True)
class Normalization:
    """The normal form of a text: the same in training, evaluation and the card of an exported model.

    In this order: Unicode NFC; the spellings of ``version``; ``case``; single spaces; ``replacements``,
    written in that case, in one pass, the longest first; ``punctuation``: kept, or replaced by spaces, like
    everything except letters, digits, their marks, and apostrophes and hyphens within a word; NFC and single
    spaces.

    A single character is replaced everywhere, also within words: {"ß": "ss", "&": " and "}. Several
    characters are replaced as words: if they begin or end with a letter, mark or digit, a word must begin or
    end there, so that {"mr": "mister"} keeps "mrs". An apostrophe between letters does not end a word, a
    hyphen does. In scripts without spaces, only signs and spaces delimit such words.

    Version 1 writes typographic quotes, dashes and hyphens as on a keyboard, writes ligatures, full-width and
    presentation forms as plain letters and digits, and removes invisible characters; version 0 keeps them
    all. A version never changes, and 1 stays the default.

    ValueError for invalid values, and for replacements that never occur or would themselves be changed.
    """

    case: Case = "lower"
    punctuation: Punctuation = "keep"
    replacements: Mapping[str, str] = field(default_factory=dict)
    version: Version = 1

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}  # for params.yaml

    def __post_init__(self) -> None:
        for name, values in (("case", Case), ("punctuation", Punctuation), ("version", Version)):
            if (found := getattr(self, name)) not in get_args(values):
                raise ValueError(
                    f"{name}: expected {' or '.join(map(repr, get_args(values)))}, found {found!r}"
                )
        for key, value in self.replacements.items():
            if not isinstance(value, str):
                raise ValueError(f"replacements: expected a text for {key!r}, found {value!r}")
            if not key or self._spelled(f"{DIGIT}{key}{DIGIT}") != f"{DIGIT}{key}{DIGIT}":
                raise ValueError(
                    f"replacements: {key!r} never occurs with case: {self.case} and version: {self.version}"
                )
            base = DIGIT if value and unicodedata.category(value[0])[0] == "M" else ""  # a mark needs one
            if (again := self(base + value)) != base + " ".join(value.split()):
                raise ValueError(
                    f"replacements: {value!r}, for {key!r}, would be changed again,"
                    f" to {again.removeprefix(base)!r}"
                )

    def __call__(self, text: str) -> str:
        text = self._spelled(text)
        if self.replacements:
            text = self._replaced.sub(lambda match: self.replacements[match[0]], text)
        return self._spaced(text)

    def _spaced(self, text: str) -> str:
        if self.punctuation == "remove":
            text = SEVERAL_SIGNS.sub(" ", f" {text.translate(WORDS)}")
            words = STRAY_MARKS.sub(" ", text).split()
            text = " ".join([inner for word in words if (inner := word.strip(INSIDE_WORDS))])
        return " ".join(unicodedata.normalize("NFC", text).split())

    def writes(self, character: str) -> bool:
        """Whether a character can be in a normalised text."""
        within = f"{DIGIT}{character}{DIGIT}"
        return self._spaced(self._spelled(within)) == within and character not in self.replacements

    def _spelled(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text)
        if self.version:
            text = text.translate(SPELLINGS)
        cased = {"lower": text.lower(), "upper": text.upper(), "keep": text}[self.case]
        # a change of case can decompose letters, as the Turkish dotted I
        return " ".join(unicodedata.normalize("NFC", cased).split())

    @cached_property
    def _replaced(self) -> re.Pattern[str]:
        """Matches the longest key at a place; single characters come last, as the shortest."""
        keys = sorted(self.replacements, key=lambda key: (-len(key), key))
        several = [key for key in keys if len(key) > 1]
        words = [key for key in several if _is_of_word(key[0])]
        signs = [key for key in several if not _is_of_word(key[0])]
        single = [re.escape(key) for key in keys if len(key) == 1]
        return re.compile("|".join(filter(None, [_begun(words), _ended(signs), *single])))


def _begun(words: list[str]) -> str:
    """A pattern of keys at the beginning of a word; as that is slow to check, once for all keys and only at
    their first letters.
    """
    first = "".join(sorted({re.escape(word[0]) for word in words}))
    begins = f"(?<!{_letter()})(?<!{_letter()}{APOSTROPHE})"
    return f"(?=[{first}]){begins}(?:{_ended(words)})" if words else ""


def _ended(keys: list[str]) -> str:
    """A pattern of keys, the longest first; a key that ends in a character of words must end a word."""
    ends = f"(?!{APOSTROPHE}?{_letter()})"
    return "|".join(
        f"(?:{'|'.join(map(re.escape, group))}){ends if of_word else ''}"
        for of_word, group in groupby(keys, lambda key: _is_of_word(key[-1]))
    )


def _is_of_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


@cache
def _letter() -> str:
    """A pattern of the characters of words: letters, digits, marks and joiners."""
    marks = filter(lambda mark: unicodedata.category(mark)[0] == "M", map(chr, range(sys.maxunicode + 1)))
    return f"(?:[^\\W_]|[{''.join([*marks, *JOINERS])}])"


PLAIN = Normalization(case="keep", version=0)  # NFC and single spaces only
