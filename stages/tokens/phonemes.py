"""Phonemes as tokens, from labels, a lexicon or espeak-ng."""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from stages.schema.params import InputFile
from stages.tokens.espeak_phones import phones_of
from stages.tokens.normalization import Normalization
from stages.tokens.spelling import Spelling
from stages.tokens.tokens import BLANK, Tokens

BLANKS = {BLANK, "<pad>", "[PAD]"}
UNUSED = {"<s>", "</s>", "<unk>", "[UNK]", "|"}  # entries of vocabulary files that are not phones
NUM_NAMES = 8
WORDS = Normalization(punctuation="remove")  # the words of a text, as in a lexicon


class Phonemes(Tokens):
    """A phone is a token of one or more characters; texts are phones separated by spaces.

    The phones of an utterance come from ``phonemes`` of its manifest row if present, else from ``lexicon``,
    else from espeak-ng, in ``language`` if given, else in that of the row. Word boundaries are removed.
    ``stress`` keeps the marks of espeak-ng: a stressed vowel is another phone.

    ``vocabulary`` is a file in train.inputs, a JSON list of phones or their indices ({"a": 0}), whose order
    is kept; without it, the vocabulary is the phones of the training split. Its ``[PAD]`` or ``<pad>`` is
    our blank; ``[UNK]``, ``|`` and the like are removed. ``lexicon`` is a file in train.inputs with a word
    and its phones on each line, separated by spaces or a tab; the first line of a word counts. The content
    may be given in place of either file name.
    """

    spelling: ClassVar[Spelling] = Spelling(separator=" ")

    def __init__(
        self,
        vocabulary: InputFile | list[str] | None = None,
        lexicon: InputFile | dict[str, str] | None = None,
        language: str | None = None,
        stress: bool = False,
        blank: Literal["first", "last"] = "first",
    ) -> None:
        super().__init__(blank)
        self.given = vocabulary
        self.lexicon = lexicon
        self.language = language
        self.stress = stress

    @staticmethod
    def resolve(inputs: Path, sample_rate: int, **init_args: Any) -> dict[str, Any]:
        """The arguments with the content of the files."""
        for name, read in (("vocabulary", _read_vocabulary), ("lexicon", _read_lexicon)):
            if isinstance(init_args.get(name), str):
                init_args[name] = read(inputs / init_args[name])
        return init_args

    def fit(self, texts: Iterable[str]) -> None:
        if self.given is None:
            super().fit(texts)
            return
        assert not isinstance(self.given, str), "resolve replaces the file by its content"
        phones = [self.normalize(phone) for phone in self.given if phone not in BLANKS | UNUSED]
        self.restore([BLANK, *phones] if self.blank == "first" else [*phones, BLANK])
        for text in texts:
            if unknown := self.unknown(text):
                raise ValueError(
                    f"train.tokens.init_args.vocabulary lacks {' '.join(unknown)}, as in {text!r}: add them,"
                    " or remove vocabulary to take the phones of the training split"
                )

    def transcripts(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Phones separated by spaces; ValueError for a text that has none."""
        found = [row["phonemes"] for row in rows]
        missing = [place for place, phonemes in enumerate(found) if not phonemes]
        spell = self._by_lexicon if self.lexicon is not None else self._by_espeak
        for place, phonemes in zip(missing, spell([rows[place] for place in missing]), strict=True):
            found[place] = phonemes
            if not phonemes:
                row = rows[place]
                raise ValueError(f"utterance {row['id']}: {row['text']!r} has no phones; correct its text")
        return found

    def split(self, text: str) -> list[str]:
        return text.split()

    def _by_lexicon(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        assert isinstance(self.lexicon, dict), "resolve replaces the file by its content"
        words = [WORDS(row["text"]).split() for row in rows]
        if missing := sorted({word for found in words for word in found} - self.lexicon.keys()):
            more = ", ..." if len(missing) > NUM_NAMES else ""
            raise ValueError(
                f"train.tokens.init_args.lexicon lacks {len(missing)} words,"
                f" {', '.join(missing[:NUM_NAMES])}{more}: add them, or remove lexicon to take the phones of"
                " all words from espeak-ng"
            )
        return [" ".join(self.lexicon[word] for word in found) for found in words]

    def _by_espeak(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        languages = [self.language or row["language"] for row in rows]
        if None in languages:
            row = rows[languages.index(None)]
            raise ValueError(
                f"utterance {row['id']} has neither phonemes nor a language, and there is no lexicon: set"
                " train.tokens.init_args.language to a language of espeak-ng, such as ru"
            )
        known = {
            name: phones_of(
                [row["text"] for row, language in zip(rows, languages, strict=True) if language == name],
                name,
                self.stress,
            )
            for name in sorted({language for language in languages if language})
        }
        return [known[name][row["text"]] for row, name in zip(rows, languages, strict=True) if name]


def _read_vocabulary(path: Path) -> list[str]:
    try:
        content = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    if isinstance(content, dict) and all(type(index) is int for index in content.values()):
        content = sorted(content, key=content.__getitem__)
    if not isinstance(content, list) or not content or not all(isinstance(name, str) for name in content):
        raise ValueError(f'{path}: expected a list of phones, ["a", "b"], or their indices, {{"a": 0}}')
    if spaced := [name for name in content if len(name.split()) != 1]:
        raise ValueError(f"{path}: a phone is one word without spaces, found {spaced[0]!r}")
    if twice := sorted({name for name in content if content.count(name) > 1}):
        raise ValueError(f"{path}: duplicated {twice[0]!r}")
    return content


def _read_lexicon(path: Path) -> dict[str, str]:
    lexicon: dict[str, str] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        word, *phones = line.split() or [""]
        if word and not phones:
            raise ValueError(f"{path}, line {number}: expected a word and its phones, found {line!r}")
        if word:
            lexicon.setdefault(WORDS(word), " ".join(phones))
    return lexicon


def _text(path: Path) -> str:
    try:
        return unicodedata.normalize("NFC", path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ValueError(
            f"{path}: no such file; put it there (the path is relative to train.inputs)"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not readable as UTF-8 text: {error}") from error
