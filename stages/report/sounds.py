"""The recordings of a corpus: duplicates, clipping, silence, and formats."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.listing.admissions import Admissions
from stages.report.listing import NUM_EXAMPLES, Listing, listing

CLIPPED_SHARE = 1e-3  # of an utterance's samples; more is audible
SILENT = 10 ** (-60 / 20)  # -60 dB below full scale, in the loudest tenth of a second

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Kind:
    """Recordings of one format, sample rate in Hz and number of channels; hours of their utterances."""

    name: str
    sample_rate: int
    num_channels: int
    num_recordings: int
    hours: float


class Sounds:
    def __init__(self, admissions: Admissions, hashes: Array) -> None:
        """``hashes`` are of the transcripts."""
        self.admissions = admissions
        self.hashes = hashes
        rate = admissions.recordings.columns["sample_rate"][admissions.recording]
        spans = (np.round(seconds * rate) for seconds in (admissions.offset, admissions.duration))
        self.groups = _equal(admissions.content, *spans)

    def duplicates(self) -> Listing:
        """Utterances with the same samples as an earlier one."""
        rows = np.array([row for group in self.groups for row in group[1:]], int)
        earlier = [self.admissions.id(int(group[0])) for group in self.groups for _ in group[1:]]
        return listing(self.admissions, rows, [f"as {name}" for name in earlier[:NUM_EXAMPLES]])

    def contradictions(self) -> Listing:
        """Duplicates that have another transcript."""
        pairs = [
            (group[0], row)
            for group in self.groups
            for row in group[1:]
            if self.hashes[row] != self.hashes[group[0]]
        ]
        said = [
            f"{self.admissions.id(int(first))} says: {self.admissions.text(int(first))}"
            for first, _ in pairs[:NUM_EXAMPLES]
        ]
        return listing(self.admissions, [int(row) for _, row in pairs], said)

    def clipped(self) -> Listing:
        """Utterances that are clipped, the worst first."""
        share = self.admissions.recordings.clipped[self.admissions.number]
        worst = np.argsort(-share, kind="stable")[: int((share > CLIPPED_SHARE).sum())]
        return listing(
            self.admissions, worst, [f"{value:.1%} of the samples" for value in share[worst[:NUM_EXAMPLES]]]
        )

    def silent(self) -> Listing:
        """Utterances that are silent throughout."""
        level = self.level()
        rows = np.flatnonzero(level < SILENT)
        return listing(self.admissions, rows, [_decibels(value) for value in level[rows[:NUM_EXAMPLES]]])

    def level(self) -> Array:
        """Root mean square of the loudest tenth of a second of every utterance."""
        found: Array = self.admissions.recordings.loudest[self.admissions.number]
        return found

    def kinds(self) -> list[Kind]:
        """Formats, those with the most hours first."""
        columns = self.admissions.recordings.columns
        names = list(self.admissions.recordings.kinds)
        seconds = np.bincount(self.admissions.recording, self.admissions.duration, len(columns))
        used = np.unique(self.admissions.recording)
        fields = np.stack(
            [columns[name][used].astype(int) for name in ("kind", "sample_rate", "num_channels")], 1
        )
        mixes, member = np.unique(fields, axis=0, return_inverse=True)
        counts = np.bincount(member.ravel(), minlength=len(mixes))
        hours = np.bincount(member.ravel(), seconds[used], len(mixes)) / 3600
        found = [
            Kind(names[kind], rate, channels, int(count), float(share))
            for (kind, rate, channels), count, share in zip(mixes.tolist(), counts, hours, strict=True)
        ]
        return sorted(found, key=lambda kind: (-kind.hours, kind.name, kind.sample_rate, kind.num_channels))


def _equal(*columns: Array) -> list[Array]:
    """Groups of two or more rows that are equal in all columns."""
    order = np.lexsort(columns[::-1])
    same = np.ones(max(len(order) - 1, 0), bool)  # as the previous row
    for column in columns:
        same &= np.diff(column[order]) == 0
    follows, precedes = np.append(False, same), np.append(same, False)
    members = (follows | precedes)[: len(order)]
    starts = np.flatnonzero(~follows[: len(order)][members])
    groups = np.split(order[members], starts[1:]) if len(starts) else []
    return sorted((np.sort(group) for group in groups), key=lambda group: int(group[0]))


def _decibels(level: float) -> str:
    return f"{20 * np.log10(level):.0f} dBFS" if level else "digital silence"
