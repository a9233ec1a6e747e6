"""Splitting by hash of the speaker, so that new data never moves an old one; what splits may not share."""

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from stages.corpora.corpus import Utterance
from stages.schema.manifest_row import ManifestRow

ROUNDING_SECONDS = 0.01  # how far a table's offsets and durations may be off: many have two decimals

Place = tuple[str, ManifestRow]  # split and row


def carve(utterances: Iterable[Utterance], shares: Mapping[Any, float], seed: int) -> list[Utterance]:
    """Give utterances of one corpus the splits that its source does not list.

    Utterances without a split, and those of train, are divided by speaker (by recording where there is
    none): each share goes to its split, the rest to train. A split that the source lists is kept.
    """
    found = list(utterances)
    listed = {utterance.split for utterance in found}
    missing = {split: share for split, share in shares.items() if split not in listed}
    return [
        replace(u, split=_draw(speaker_key(u.speaker) or str(u.audio), missing, seed))
        if u.split in (None, "train")
        else u
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


def speaker_key(speaker: str | None) -> str | None:
    """One spelling of a name, however its accents are encoded; None for no name and a blank one."""
    return None if speaker is None else unicodedata.normalize("NFC", str(speaker)).strip() or None


def refuse_shared(splits: Mapping[str, list[ManifestRow]]) -> None:
    """ValueError where a speaker or a recording is in two splits.

    Pieces of one recording may be, when they do not overlap and all of its speakers are known: a
    conversation whose speakers are divided.
    """
    speakers: dict[str, list[Place]] = defaultdict(list)
    recordings: dict[str, list[Place]] = defaultdict(list)
    for split, rows in splits.items():
        for row in rows:
            recordings[row.audio_sha256].append((split, row))
            if (speaker := speaker_key(row.speaker)) is not None:
                speakers[speaker].append((split, row))
    _refuse([(f"speaker {key}", _apart(places[0], places)) for key, places in sorted(speakers.items())])
    _refuse([(f"recording {key}", _clash(places)) for key, places in sorted(recordings.items())])


def _apart(place: Place, others: Iterable[Place]) -> list[Place]:
    """The place and one of the others in another split; nothing when they all are in the same."""
    return next(([place, other] for other in others if other[0] != place[0]), [])


def _clash(places: list[Place]) -> list[Place]:
    """Two pieces of one recording in two splits that overlap, or one of which has no speaker."""
    for place in places:
        if speaker_key(place[1].speaker) is None:
            return _apart(place, places)
    last: dict[str, Place] = {}  # what ends last in each split
    for split, row in sorted(places, key=lambda place: place[1].offset):
        overlapping = [place for place in last.values() if _end(place) - ROUNDING_SECONDS > row.offset]
        if found := _apart((split, row), overlapping):
            return found
        last[split] = max(last.get(split, (split, row)), (split, row), key=_end)
    return []


def _end(place: Place) -> float:
    return place[1].offset + place[1].duration


def _refuse(checked: list[tuple[str, list[Place]]]) -> None:
    shared = [(what, places) for what, places in checked if places]
    for what, places in shared:
        named = ", ".join(f"{row.id} in {split}" for split, row in places)
        raise ValueError(
            f"{what} is in more than one split ({named}; {len(shared)} such in all): a model would be tested"
            " on what it has learned. Mend the corpus's lists, or let manifest.carve split: by speaker, by"
            " recording where the speaker is unknown."
        )
