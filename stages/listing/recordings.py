"""Decodes every recording of a corpus once."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stages.audio.inspection import CONTENT_BYTES, Recording, inspect_recording
from stages.listing.utterances import Utterances
from stages.program.processes import in_threads, num_cores
from stages.program.progress import track

MAX_BATCH = 64  # files per thread at a time: handing out single small ones takes as long as decoding them
COLUMNS = np.dtype(
    [
        ("sha256", np.uint8, 32), ("content", np.uint8, CONTENT_BYTES), ("seconds", np.float64),
        ("sample_rate", np.int32), ("num_channels", np.int16), ("kind", np.int16),
    ]
)  # fmt: skip

Found = Recording | str  # what a file holds, or the reason why it cannot be used
Array = np.ndarray[Any, np.dtype[Any]]


class Recordings:
    """The files that utterances name, 72 bytes each, whatever their length.

    ``of`` has the number of each utterance's recording, -1 if it has none or one outside the root (absolute
    paths may be anywhere). ``columns`` describes the recordings, ``errors`` says why some cannot be used,
    ``kinds`` numbers the names of container and encoding. For each utterance, ``loudest`` is the level of the
    loudest tenth of a second and ``clipped`` the fraction of clipped samples.
    """

    def __init__(self, utterances: Utterances, root: Path) -> None:
        numbers: dict[str, int] = {}
        self.of: Array = np.full(len(utterances), -1, np.int32)
        folder = os.path.abspath(root)
        for number, audio in enumerate(utterances.audio()):
            path = resolved(audio, folder)
            is_absolute = path == os.path.normpath(audio)
            if audio != "." and (is_absolute or is_below(path, folder)):
                self.of[number] = numbers.setdefault(path, len(numbers))
        self.columns: Array = np.zeros(len(numbers), COLUMNS)
        self.errors: dict[int, str] = {}
        self.kinds: dict[str, int] = {}
        self.loudest: Array = np.zeros(len(utterances), np.float32)
        self.clipped: Array = np.zeros(len(utterances), np.float32)
        self._inspect(list(numbers), utterances)

    def _inspect(self, paths: list[str], utterances: Utterances) -> None:
        by_recording = np.argsort(self.of, kind="stable")
        starts = np.searchsorted(self.of[by_recording], np.arange(len(paths) + 1))
        for number, found in track(_found(paths), "checking audio", len(paths), "files"):
            if isinstance(found, str):
                self.errors[number] = found
                continue
            self._keep(number, found)
            for utterance in by_recording[starts[number] : starts[number + 1]].tolist():
                if span := _span(found, *utterances.span(utterance)):
                    self.loudest[utterance] = found.loudest(*span)
                    self.clipped[utterance] = found.clipped_share(*span)

    def _keep(self, number: int, found: Recording) -> None:
        kind = f"{found.container} {found.subtype}"
        self.columns[number] = (
            np.frombuffer(bytes.fromhex(found.sha256), np.uint8),
            np.frombuffer(found.content, np.uint8),
            found.duration_seconds,
            found.sample_rate,
            found.num_channels,
            self.kinds.setdefault(kind, len(self.kinds)),
        )


def resolved(audio: str, folder: str) -> str:
    """A path in an absolute folder; as text, as there may be a million."""
    return os.path.normpath(os.path.join(folder, audio))  # noqa: PTH118


def is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _found(paths: list[str]) -> Iterator[tuple[int, Found]]:
    def look(number: int) -> tuple[int, Found]:
        try:
            return number, inspect_recording(Path(paths[number]))
        except ValueError as error:
            return number, str(error)

    # In order of names, mostly the order on the disk.
    order = sorted(range(len(paths)), key=paths.__getitem__)
    return in_threads(look, order, min(len(paths) // (16 * num_cores()) + 1, MAX_BATCH))


def _span(found: Recording, offset_seconds: Any, duration_seconds: Any) -> tuple[float, float] | None:
    """A span within the recording; None for an invalid one, which Admission rejects."""
    rest = found.duration_seconds - offset_seconds
    duration = rest if duration_seconds is None else min(duration_seconds, rest)
    return (offset_seconds, duration) if offset_seconds >= 0 and duration > 0 else None
