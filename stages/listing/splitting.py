"""Splits by a hash of the speaker, so that new data never moves old data."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from stages.corpora.corpus import Utterance

ROUNDING_SECONDS = 0.01  # tolerance for offsets and durations in tables: many have two decimals


def carve(utterances: Iterable[Utterance], shares: Mapping[Any, float], seed: int) -> list[Utterance]:
    """Give utterances of one corpus the splits that its source does not list.

    Utterances without a split, and those of train, are divided by speaker (by recording if there is none):
    each fraction goes to its split, the rest to train. Splits that the source lists are kept.
    """
    found = list(utterances)
    listed = {utterance.split for utterance in found}
    missing = {split: share for split, share in shares.items() if split not in listed}
    for number, u in enumerate(found):  # in place: a second list of a million takes memory
        if u.split in (None, "train"):
            split = _draw(speaker_key(u.speaker) or str(u.audio), missing, seed) if missing else "train"
            if split != u.split:
                found[number] = replace(u, split=split)
    return found


def _draw(unit: str, shares: Mapping[str, float], seed: int) -> str:
    digest = hashlib.sha256(f"{seed}\0{unit}".encode("utf-8", "surrogatepass")).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    for split, share in sorted(shares.items()):
        if position < share:
            return split
        position -= share
    return "train"


def speaker_key(speaker: str | None) -> str | None:
    """A name in one spelling, however its accents are encoded; None for no name or a blank one."""
    return None if speaker is None else unicodedata.normalize("NFC", str(speaker)).strip() or None
