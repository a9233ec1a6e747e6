"""The interface of a corpus: its utterances, valid or not."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

NO_LABELS: Mapping[str, str] = {}  # one for a million utterances


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance as its source describes it; the manifest stage checks it.

    ``labels`` are fields of a manifest row that tasks need besides the text: see ManifestRow.
    ``audio`` is relative to ``manifest.root``, or absolute. ``split`` is None if the source does not
    set one: the stage then splits by speaker. ``duration_seconds`` is None for the rest of the file.
    ``problem`` is a reason to reject it that only the source can see, and the value that causes it.
    ``content`` is the ContentDigest of a recording that the source has packed with others into a file,
    so that duplicates are found in other files.
    """

    id: str
    audio: Path
    text: str
    split: str | None = None
    speaker: str | None = None
    language: str | None = None
    offset_seconds: float = 0.0
    duration_seconds: float | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    problem: tuple[str, str] | None = None
    content: bytes | None = None


class Corpus(ABC):
    """A source of utterances.

    Subclasses read files below ``root``, or synthesise audio: FLAC, many utterances per file, below
    ``audio_folder`` (absolute, part of the manifest stage's output). Errors of the entire source are
    ValueErrors that name the file; errors of one row are left to the manifest stage. The same arguments
    give the same utterances and the same bytes. ``carve`` has fractions to carve out of this corpus for
    splits; they take precedence over manifest.carve.
    """

    carve: Mapping[str, float] = MappingProxyType({})

    @abstractmethod
    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterable[Utterance]: ...

    def with_audio(self, utterances: Iterable[Utterance], root: Path, audio_folder: Path) -> list[Utterance]:
        """The utterances that the manifest takes, each with its split, now with readable audio.

        For a corpus that writes audio: only what is taken is written.
        """
        return list(utterances)
