"""Everything that the report shows about a corpus."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.listing.admissions import Admissions
from stages.listing.selection import ForTraining
from stages.listing.sharing import Clash
from stages.pages.histogram import Histogram, histogram
from stages.report.listing import Listing
from stages.report.rejections import Rejections
from stages.report.sounds import SILENT, Kind, Sounds
from stages.report.stops import Stop
from stages.report.texts import Texts

NUM_SPEAKERS = 15
MIN_LEVEL = SILENT / 10  # lower levels are drawn as this one

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class SplitFigures:
    """One split in numbers; medians are None if it is empty. ``main_speaker`` speaks most of it, the
    fraction ``main_share`` of its hours.
    """

    name: str
    utterances: int
    hours: float
    speakers: int
    without_speaker: int
    main_speaker: str | None
    main_share: float
    shortest: float | None
    median_seconds: float | None
    longest: float | None
    characters_per_second: float | None


@dataclass(frozen=True)
class Speaker:
    name: str
    splits: list[str]
    utterances: int
    hours: float


@dataclass(frozen=True)
class Findings:
    """``clashes`` are what two splits share and must not, ``stops`` the reasons why the stage stops.
    ``validation_in_train`` is the number of validation utterances that are added to training, without
    ``validation_left_out``, which are not within manifest.train_seconds.
    """

    splits: list[SplitFigures]
    num_speakers: int
    speakers: list[Speaker]
    histograms: list[Histogram]
    texts: Texts
    known: dict[str, Listing]
    suspicious: dict[str, Listing]
    duplicates: Listing
    contradictions: Listing
    clipped: Listing
    silent: Listing
    kinds: list[Kind]
    rejections: Rejections
    clashes: list[Clash]
    stops: list[Stop]
    validation_in_train: int
    validation_left_out: int

    @property
    def num_suspicious(self) -> int:
        """Of transcripts, each counted once per suspicion."""
        return sum(found.total for found in self.suspicious.values())


def study(
    admissions: Admissions,
    rejections: Rejections,
    clashes: list[Clash],
    stops: list[Stop],
    for_training: ForTraining,
) -> Findings:
    texts = Texts(admissions, for_training.added)
    sounds = Sounds(admissions, texts.hashes)
    return Findings(
        splits=[_figures(admissions, texts, number) for number in range(len(admissions.splits))],
        num_speakers=len(admissions.speakers),
        speakers=_speakers(admissions),
        histograms=_histograms(admissions, texts, sounds),
        texts=texts,
        known=texts.known(),
        suspicious=texts.suspicious(),
        duplicates=sounds.duplicates(),
        contradictions=sounds.contradictions(),
        clipped=sounds.clipped(),
        silent=sounds.silent(),
        kinds=sounds.kinds(),
        rejections=rejections,
        clashes=clashes,
        stops=stops,
        validation_in_train=len(for_training.added),
        validation_left_out=for_training.num_left_out,
    )


def _figures(admissions: Admissions, texts: Texts, number: int) -> SplitFigures:
    mine = admissions.split == number
    seconds, speakers = admissions.duration[mine], admissions.speaker[mine]
    of_speakers = np.bincount(speakers[speakers >= 0], seconds[speakers >= 0])
    main = int(of_speakers.argmax()) if len(of_speakers) else None
    return SplitFigures(
        name=admissions.splits[number],
        utterances=int(mine.sum()),
        hours=float(seconds.sum() / 3600),
        speakers=len(np.unique(speakers[speakers >= 0])),
        without_speaker=int((speakers < 0).sum()),
        main_speaker=None if main is None else list(admissions.speakers)[main],
        main_share=0.0 if main is None else float(of_speakers[main] / seconds.sum()),
        shortest=float(seconds.min()) if len(seconds) else None,
        median_seconds=float(np.median(seconds)) if len(seconds) else None,
        longest=float(seconds.max()) if len(seconds) else None,
        characters_per_second=float(np.median(texts.rate()[mine])) if len(seconds) else None,
    )


def _speakers(admissions: Admissions) -> list[Speaker]:
    """Those with the most hours."""
    named = admissions.speaker >= 0
    speaker, count = admissions.speaker[named], len(admissions.speakers)
    seconds = np.bincount(speaker, admissions.duration[named], count)
    utterances = np.bincount(speaker, minlength=count)
    names = list(admissions.speakers)
    return [
        Speaker(
            names[one],
            [admissions.splits[split] for split in np.unique(admissions.split[admissions.speaker == one])],
            int(utterances[one]),
            float(seconds[one] / 3600),
        )
        for one in np.argsort(-seconds, kind="stable")[:NUM_SPEAKERS].tolist()
    ]


def _histograms(admissions: Admissions, texts: Texts, sounds: Sounds) -> list[Histogram]:
    def of_splits(values: Array) -> dict[str, Array]:
        return {split: values[admissions.split == number] for number, split in enumerate(admissions.splits)}

    decibels = 20 * np.log10(np.maximum(sounds.level(), MIN_LEVEL))
    return [
        histogram("Durations", "seconds", of_splits(admissions.duration)),
        histogram("Speaking rate", "characters per second", of_splits(texts.rate())),
        histogram("Level of the loudest 0.1 s", "dB below full scale (dBFS)", of_splits(decibels), False),
    ]
