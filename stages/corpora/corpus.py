"""What a corpus answers: its utterances, as they are, good or bad."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

NO_LABELS: Mapping[str, str] = {}  # one for a million utterances


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance as its source names it; the manifest stage checks it.

    ``labels`` are those fields of a manifest row that tasks need beside the text: see ManifestRow.
    ``audio`` is relative to ``manifest.root``, or absolute. ``split`` is None where the source has
    no opinion: the stage then splits by speaker. ``duration_seconds`` is None for the rest of the file.
    ``problem`` is a reason to reject it that only the source can see, and the value that is the reason.
    ``content`` is what ContentDigest gives of a recording that the source has packed with others
    into a file, so that the same sound is found wherever else it lies.
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

    Subclasses read what lies under ``root``, or synthesise audio: FLAC, many utterances to a file,
    under ``audio_folder`` (absolute, part of the manifest stage's output). Errors of the source as a
    whole are ValueErrors that name the file; errors of one row are left to the manifest stage.
    The same arguments give the same utterances and the same bytes. ``carve`` are shares of splits to carve
    out of this corpus, before those of manifest.carve.
    """

    carve: Mapping[str, float] = MappingProxyType({})

    @abstractmethod
    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterable[Utterance]: ...

    def with_audio(self, utterances: Iterable[Utterance], root: Path, audio_folder: Path) -> list[Utterance]:
        """The utterances that the manifest takes, each with its split, when their audio can be read.

        For a corpus of which it must be written first, so that only what is taken is.
        """
        return list(utterances)
