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
UNUSED = {"<s>", "</s>", "<unk>", "[UNK]", "|"}  # what vocabulary files have beside phones
NUM_NAMES = 8
WORDS = Normalization(punctuation="remove")  # of a text, as a lexicon has them


class Phonemes(Tokens):
    """A phone is a token, of one character or several; texts are phones with a space between them.

    What an utterance says in phones comes from ``phonemes`` of its manifest row if it has them, else from
    ``lexicon``, else from espeak-ng, in ``language`` if it is given, else in the row's own. Word boundaries
    are no phones and are left out. ``stress`` keeps espeak-ng's marks: a stressed vowel is another phone.

    ``vocabulary`` is a file under train.inputs, a JSON list of phones or their indices ({"a": 0}), whose
    order is kept; without it, the phones of the training split are taken. Its ``[PAD]`` or ``<pad>`` is
    our blank, and ``[UNK]``, ``|`` and the like are left out. ``lexicon`` is a file under train.inputs
    with a word and its phones on each line, separated by spaces or a tab; of a word that is there twice,
    the first line counts. Both may be written in full in the place of the file's name.
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
        """The arguments with what the files hold."""
        for name, read in (("vocabulary", _read_vocabulary), ("lexicon", _read_lexicon)):
            if isinstance(init_args.get(name), str):
                init_args[name] = read(inputs / init_args[name])
        return init_args

    def fit(self, texts: Iterable[str]) -> None:
        if self.given is None:
            super().fit(texts)
            return
        assert not isinstance(self.given, str), "resolve puts what the file holds in its place"
        phones = [self.normalize(phone) for phone in self.given if phone not in BLANKS | UNUSED]
        self.restore([BLANK, *phones] if self.blank == "first" else [*phones, BLANK])
        for text in texts:
            if unknown := self.unknown(text):
                raise ValueError(
                    f"train.tokens.init_args.vocabulary lacks {' '.join(unknown)}, as in {text!r}: add them"
                    " to it, or leave it out, so that the phones of the training split are taken"
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
        assert isinstance(self.lexicon, dict), "resolve puts what the file holds in its place"
        words = [WORDS(row["text"]).split() for row in rows]
        if missing := sorted({word for found in words for word in found} - self.lexicon.keys()):
            more = ", ..." if len(missing) > NUM_NAMES else ""
            raise ValueError(
                f"train.tokens.init_args.lexicon lacks {len(missing)} words,"
                f" {', '.join(missing[:NUM_NAMES])}{more}: add them, or leave it out, so that espeak-ng tells"
                " the phones of all words"
            )
        return [" ".join(self.lexicon[word] for word in found) for found in words]

    def _by_espeak(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        languages = [self.language or row["language"] for row in rows]
        if None in languages:
            row = rows[languages.index(None)]
            raise ValueError(
                f"utterance {row['id']} has neither phonemes nor a language, and there is no lexicon: set"
                " train.tokens.init_args.language to one of espeak-ng's, such as ru"
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
        raise ValueError(f"{path}: {twice[0]!r} is there twice")
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
            f"{path}: no such file; put it there: the path is relative to train.inputs"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not readable as UTF-8 text: {error}") from error
