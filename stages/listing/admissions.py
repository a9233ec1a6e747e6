"""The admitted utterances as columns, for the check of shared speakers and for the report."""

from array import array
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from stages.audio.inspection import CONTENT_BYTES
from stages.listing.admission import Admitted
from stages.listing.recordings import Recordings
from stages.listing.splitting import speaker_key
from stages.listing.utterances import Utterances

Array = np.ndarray[Any, np.dtype[Any]]


class Piece(NamedTuple):
    """A span of a recording, in a split. Seconds."""

    split: str
    id: str
    speaker: str | None
    offset: float
    duration: float


class Admissions:
    """A row of 30 bytes for each admitted utterance, in the order of addition.

    ``number`` is the utterance's index, ``split`` one in ``splits``, ``speaker`` one in ``speakers`` or -1.
    ``recording`` is the number of its file, ``content`` that of its samples, the same for files with equal
    samples; ``offset`` is where it begins in them.
    """

    def __init__(self, splits: Sequence[str], utterances: Utterances, recordings: Recordings) -> None:
        self.splits = list(splits)
        self.utterances = utterances
        self.recordings = recordings
        self.speakers: dict[str, int] = {}
        self._number, self._split, self._speaker = array("i"), array("b"), array("i")
        self._offset, self._duration = array("d"), array("d")

    def add(self, admitted: Admitted) -> None:
        speaker = speaker_key(admitted.row.speaker)
        self._number.append(admitted.number)
        self._split.append(self.splits.index(admitted.split))
        self._speaker.append(-1 if speaker is None else self.speakers.setdefault(speaker, len(self.speakers)))
        is_whole = admitted.number in self.utterances.contents
        self._offset.append(0.0 if is_whole else admitted.row.offset)
        self._duration.append(admitted.row.duration)

    def __len__(self) -> int:
        return len(self._number)

    @cached_property
    def number(self) -> Array:
        return np.array(self._number, np.int32)

    @cached_property
    def split(self) -> Array:
        return np.array(self._split, np.int8)

    @cached_property
    def speaker(self) -> Array:
        return np.array(self._speaker, np.int32)

    @cached_property
    def offset(self) -> Array:
        return np.array(self._offset, np.float64)

    @cached_property
    def duration(self) -> Array:
        return np.array(self._duration, np.float64)

    @cached_property
    def recording(self) -> Array:
        found: Array = self.recordings.of[self.number]
        return found

    @cached_property
    def content(self) -> Array:
        hashes = self.recordings.columns["content"][self.recording]
        packed = self.utterances.contents
        for row in np.flatnonzero(np.isin(self.number, list(packed))).tolist():
            hashes[row] = np.frombuffer(packed[self._number[row]], np.uint8)
        _, numbers = np.unique(hashes.view(f"V{CONTENT_BYTES}").ravel(), return_inverse=True)
        found: Array = numbers.ravel()
        return found

    def id(self, row: int) -> str:
        return self.utterances.ids[self._number[row]]

    def text(self, row: int) -> str:
        return self.utterances.texts[self._number[row]]

    def piece(self, row: int) -> Piece:
        utterance = self.utterances[self._number[row]]
        split = self.splits[self._split[row]]
        return Piece(split, utterance.id, utterance.speaker, self._offset[row], self._duration[row])

    def in_several_splits(self, keys: Array) -> dict[int, Array]:
        """The keys (a column; negative ones are ignored) with rows in more than one split, and these rows,
        split by split.
        """
        num_splits = len(self.splits)
        pairs = np.unique(keys.astype(np.int64)[keys >= 0] * num_splits + self.split[keys >= 0])
        found, counts = np.unique(pairs // num_splits, return_counts=True)
        shared = found[counts > 1]
        rows = np.flatnonzero(np.isin(keys, shared))
        rows = rows[np.lexsort((self.split[rows], keys[rows]))]
        ends = np.searchsorted(keys[rows], shared, side="right")
        return dict(zip(shared.tolist(), np.split(rows, ends)[:-1], strict=True))
