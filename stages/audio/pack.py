"""Decodes recordings and packs them into FLAC files, many per file."""

import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from stages.audio.inspection import ContentDigest, refuse_too_long
from stages.audio.recording import NOT_FINITE, decode, write_recording
from stages.program.processes import in_threads

PACK_SECONDS = 600.0
MAX_CHANNELS, MAX_SAMPLE_RATE = 8, 655_350  # of FLAC

Samples = np.ndarray[Any, np.dtype[np.int16]]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Decoded:
    """16-bit samples (N, channels), and the ContentDigest of the original samples."""

    samples: Samples
    sample_rate: int
    content: bytes


@dataclass(frozen=True)
class Piece:
    """The place of a packed recording; ``content`` is the ContentDigest of the original."""

    path: Path
    offset_seconds: float
    duration_seconds: float
    content: bytes


@dataclass
class _Pack:
    """A file that is being filled."""

    path: Path
    sample_rate: int
    pieces: list[Samples] = field(default_factory=list)
    num_samples: int = 0

    def add(self, found: Decoded) -> Piece:
        start, self.num_samples = self.num_samples, self.num_samples + len(found.samples)
        self.pieces.append(found.samples)
        rate = self.sample_rate
        return Piece(self.path, start / rate, len(found.samples) / rate, found.content)

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_recording(self.path, np.concatenate(self.pieces), self.sample_rate)


def pack(contents: Iterable[tuple[Key, bytes]], folder: Path) -> Iterator[tuple[Key, Piece | ValueError]]:
    """Write recordings to 16-bit FLAC files in ``folder``; yield each key with the place of its recording.

    A file holds some minutes of one sample rate and number of channels. A recording that cannot be decoded,
    or that FLAC cannot hold, gives a ValueError with the reason.
    """
    packs: dict[tuple[int, int], _Pack] = {}
    number = 0
    for key, found in in_threads(_decoded, contents):
        if isinstance(found, ValueError):
            yield key, found
            continue
        kind = (found.sample_rate, found.samples.shape[1])
        if kind not in packs:
            packs[kind] = _Pack(folder / f"{number:05d}.flac", found.sample_rate)
            number += 1
        yield key, packs[kind].add(found)
        if packs[kind].num_samples >= PACK_SECONDS * found.sample_rate:
            packs.pop(kind).write()
    for rest in packs.values():
        rest.write()


def _decoded(item: tuple[Key, bytes]) -> tuple[Key, Decoded | ValueError]:
    key, content = item
    try:
        return key, decode_content(content)
    except ValueError as error:
        return key, error


def decode_content(content: bytes) -> Decoded:
    """ValueError if the content is invalid, or longer than an utterance may be."""
    blocks, num_samples, digest = [], 0, None
    with tempfile.TemporaryFile(buffering=0) as stream:  # libsndfile reads from a descriptor
        stream.write(content)
        for sound, block in decode(cast(io.FileIO, stream)):
            if sound.channels > MAX_CHANNELS or sound.samplerate > MAX_SAMPLE_RATE:
                raise ValueError(f"FLAC cannot hold {sound.channels} channels at {sound.samplerate} Hz")
            if not np.isfinite(block).all():
                raise ValueError(NOT_FINITE)
            num_samples += len(block)
            refuse_too_long(num_samples, sound.samplerate, sound.channels)
            digest = digest or ContentDigest(sound)
            digest.add(block)
            blocks.append(_quantized(block))
        assert digest is not None  # decode refuses a file without samples
        return Decoded(np.concatenate(blocks), sound.samplerate, digest.content())


def _quantized(samples: np.ndarray[Any, np.dtype[np.float32]]) -> Samples:
    """To 16 bits; libsndfile would not scale the samples of float files."""
    quantized: Samples = np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
    return quantized
