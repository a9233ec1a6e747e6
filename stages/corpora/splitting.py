"""Splitting by hash of the speaker, so that new data never moves an old speaker."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from stages.corpora.corpus import Utterance


def carve(utterances: Iterable[Utterance], shares: Mapping[Any, float], seed: int) -> list[Utterance]:
    """Give utterances of one corpus the splits that its source does not list.

    Utterances without a split, and those of train, are divided by speaker (by id where there is
    none): each share goes to its split, the rest to train. A split that the source lists is kept.
    """
    found = list(utterances)
    listed = {utterance.split for utterance in found}
    missing = {split: share for split, share in shares.items() if split not in listed}
    return [
        replace(u, split=_draw(u.speaker or u.id, missing, seed)) if u.split in (None, "train") else u
        for u in found
    ]


def _draw(unit: str, shares: Mapping[str, float], seed: int) -> str:
    digest = hashlib.sha256(f"{seed}\0{unit}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    for split, share in sorted(shares.items()):
        if position < share:
            return split
        position -= share
    return "train"
