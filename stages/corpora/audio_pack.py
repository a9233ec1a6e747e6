"""Encoded recordings of a corpus's own container, decoded and packed into FLAC files, many to a file."""

import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from stages.corpora.admission import refuse_too_long
from stages.corpora.corpus import Utterance
from stages.corpora.inspection import ContentDigest
from stages.corpora.recording import NOT_FINITE, decode, write_recording
from stages.program.processes import in_threads

PACK_SECONDS = 600.0
MAX_CHANNELS, MAX_SAMPLE_RATE = 8, 655_350  # FLAC's

Samples = np.ndarray[Any, np.dtype[np.int16]]


@dataclass(frozen=True)
class Decoded:
    """Samples (N, channels) of 16 bits, and a digest of what they were before: see ContentDigest."""

    samples: Samples
    sample_rate: int
    content: bytes


@dataclass
class _Pack:
    """A file that is being filled."""

    path: Path
    sample_rate: int
    pieces: list[Samples] = field(default_factory=list)
    num_samples: int = 0

    def add(self, utterance: Utterance, found: Decoded) -> Utterance:
        start, self.num_samples = self.num_samples, self.num_samples + len(found.samples)
        self.pieces.append(found.samples)
        return replace(
            utterance,
            audio=self.path,
            offset_seconds=start / self.sample_rate,
            duration_seconds=len(found.samples) / self.sample_rate,
            content=found.content,
        )

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_recording(self.path, np.concatenate(self.pieces), self.sample_rate)


def pack(contents: Iterable[tuple[Utterance, bytes]], folder: Path) -> Iterator[Utterance]:
    """The utterances with their place in FLAC files of 16 bits, which are written to ``folder``.

    A file holds some minutes of one sampling rate and number of channels. What cannot be decoded, or what
    FLAC cannot hold, is an utterance with a problem.
    """
    packs: dict[tuple[int, int], _Pack] = {}
    number = 0
    for utterance, found in in_threads(_decoded, contents):
        if isinstance(found, ValueError):
            reason, value = (*map(str, found.args), utterance.id)[:2]
            yield replace(utterance, problem=(reason, value))
            continue
        kind = (found.sample_rate, found.samples.shape[1])
        if kind not in packs:
            packs[kind] = _Pack(folder / f"{number:05d}.flac", found.sample_rate)
            number += 1
        yield packs[kind].add(utterance, found)
        if packs[kind].num_samples >= PACK_SECONDS * found.sample_rate:
            packs.pop(kind).write()
    for rest in packs.values():
        rest.write()


def _decoded(item: tuple[Utterance, bytes]) -> tuple[Utterance, Decoded | ValueError]:
    utterance, content = item
    try:
        return utterance, decode_content(content)
    except ValueError as error:
        return utterance, error


def decode_content(content: bytes) -> Decoded:
    """ValueError where the content is not sound, or more than an utterance may have."""
    blocks, num_samples, digest = [], 0, None
    with tempfile.TemporaryFile(buffering=0) as stream:  # what libsndfile reads has a descriptor
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
    """To 16 bits; not by libsndfile, which does not scale what a file holds as floats."""
    quantized: Samples = np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
    return quantized
