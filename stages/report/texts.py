"""The characters of a corpus's transcripts, and the transcripts that are suspicious."""

import hashlib
import re
import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Set
from typing import Any

import numpy as np

from stages.listing.admissions import Admissions
from stages.report.listing import NUM_EXAMPLES, Listing, listing

ODD_SHARE = 0.05  # of the utterances: what is more frequent is the style of this corpus
RARE_COUNT = 10  # a less frequent character in training is hardly learned
SCALE = 1.4826  # from a median absolute deviation to the standard deviation of a normal distribution
MIN_SPREAD = 0.1  # of the logarithm of characters per second
FAR = 5.0  # standard deviations
# Writing systems that are mixed within words.
EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"}
MICRO = "\u00b5"  # the prefix of a unit
MARKS = re.compile(r"[\[\](){}<>*_#@|\\/~^=]")

Array = np.ndarray[Any, np.dtype[Any]]


class Texts:
    """Transcripts in Unicode NFC, without further normalisation.

    ``in_train`` marks the rows that training sees: those of its split, and those of validation whose ids are
    in ``added``. ``in_training`` counts their characters, ``elsewhere`` those of the others; ``first`` is
    the first row with a character; ``lengths`` and ``hashes`` are of every row.
    """

    def __init__(self, admissions: Admissions, added: Set[str]) -> None:
        self.admissions = admissions
        self.in_train: Array = admissions.split == admissions.splits.index("train")
        for row in np.flatnonzero(~self.in_train).tolist() if added else ():
            self.in_train[row] = admissions.id(row) in added
        self.in_training, self.elsewhere = Counter[str](), Counter[str]()
        self.first: dict[str, int] = {}
        lengths, hashes = array("i"), array("Q")
        for row, is_in_train in enumerate(self.in_train.tolist()):
            text = self._text(row)
            counter = self.in_training if is_in_train else self.elsewhere
            before = len(counter)
            counter.update(text)
            if len(counter) > before:
                for character in text:
                    self.first.setdefault(character, row)
            lengths.append(len(text))
            digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
            hashes.append(int.from_bytes(digest, "big"))
        self.lengths: Array = np.array(lengths, np.int32)
        self.hashes: Array = np.array(hashes, np.uint64)

    def total(self) -> Counter[str]:
        return self.in_training + self.elsewhere

    def rate(self) -> Array:
        """Characters per second of every row."""
        found: Array = self.lengths / self.admissions.duration
        return found

    def unseen(self) -> dict[str, int]:
        """Characters of other splits that training never sees, with their counts there."""
        return {
            character: count
            for character, count in sorted(self.elsewhere.items())
            if character not in self.in_training
        }

    def rare(self) -> dict[str, int]:
        """Characters that training sees less than RARE_COUNT times."""
        return {
            character: count for character, count in sorted(self.in_training.items()) if count < RARE_COUNT
        }

    def known(self) -> dict[str, Listing]:
        """For every other split, the rows whose transcript is also in training."""
        train = self.hashes[self.in_train]
        found = {}
        for number, split in enumerate(self.admissions.splits):
            if split != "train":
                rows = np.flatnonzero(self.admissions.split == number)
                found[split] = listing(self.admissions, rows[np.isin(self.hashes[rows], train)])
        return found

    def suspicious(self) -> dict[str, Listing]:
        """Rows whose transcript is probably wrong, by kind of suspicion."""
        found = self._far_rates()
        for name, character_is, word_is in (
            ("Invisible characters", _is_invisible, None),
            ("Two writing systems in a word", self._is_minority(), _is_mixed),
            ("Digits, which the other transcripts spell", str.isdigit, None),
            ("Brackets and marks, which the other transcripts do not have", MARKS.match, None),
        ):
            rows = self._with(character_is, word_is)
            if 0 < len(rows) <= ODD_SHARE * len(self.lengths):
                found[name] = listing(self.admissions, rows)
        return {name: rows for name, rows in found.items() if rows.total}

    def _far_rates(self) -> dict[str, Listing]:
        """Rows with too many or too few characters for the duration, compared with this corpus."""
        if not len(self.lengths):
            return {}
        rate = self.rate()
        logarithm = np.log(rate)
        middle = np.median(logarithm)
        spread = max(SCALE * float(np.median(np.abs(logarithm - middle))), MIN_SPREAD)
        distance = (logarithm - middle) / spread
        order = np.argsort(distance, kind="stable")
        ends = {
            "Too many characters for the duration": order[::-1][: int((distance > FAR).sum())],
            "Too few characters for the duration": order[: int((distance < -FAR).sum())],
        }
        usual = f"usual are {np.exp(middle - 2 * spread):.1f} to {np.exp(middle + 2 * spread):.1f} a second"
        seconds = self.admissions.duration
        return {
            name: listing(
                self.admissions,
                rows,
                [f"{rate[row]:.1f} a second, {seconds[row]:.1f} s" for row in rows[:NUM_EXAMPLES]],
                usual,
            )
            for name, rows in ends.items()
        }

    def _is_minority(self) -> Callable[[str], bool]:
        """Whether a character is a letter of a writing system other than the corpus's main one."""
        counts: dict[str, int] = defaultdict(int)
        for character, count in self.total().items():
            counts[_script(character)] += count
        counts.pop("", None)
        main = max(sorted(counts), key=counts.__getitem__, default="")
        return lambda character: _script(character) not in ("", main)

    def _with(self, character_is: Callable[[str], Any], word_is: Callable[[str], bool] | None) -> list[int]:
        """Rows with such a character and, if ``word_is`` is given, such a word."""
        wanted = sorted(character for character in self.first if character_is(character))
        if not wanted:
            return []
        pattern = re.compile(f"[{re.escape(''.join(wanted))}]")
        rows = [row for row in range(len(self.lengths)) if pattern.search(self._text(row))]
        if word_is:
            rows = [row for row in rows if any(map(word_is, self._text(row).split()))]
        return rows

    def _text(self, row: int) -> str:
        return unicodedata.normalize("NFC", self.admissions.text(row))


def _script(character: str) -> str:
    """The writing system of a letter, from its Unicode name; empty for other characters."""
    if not unicodedata.category(character).startswith("L") or character == MICRO:
        return ""
    # Other forms of a letter, such as full-width ones, have other names.
    script = unicodedata.name(unicodedata.normalize("NFKC", character)[0], "").split(" ")[0]
    return "EAST ASIAN" if script in EAST_ASIAN else "" if script == "MODIFIER" else script


def _is_mixed(word: str) -> bool:
    return len({_script(character) for character in word} - {""}) > 1


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf") and character not in "\t\n"
