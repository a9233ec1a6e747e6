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
from stages.corpora.inspection import CONTENT_BYTES, content_digest
from stages.corpora.recording import NOT_FINITE, decode, write_recording
from stages.program.processes import in_threads

PACK_SECONDS = 600.0
MAX_CHANNELS, MAX_SAMPLE_RATE = 8, 655_350  # FLAC's

Samples = np.ndarray[Any, np.dtype[np.int16]]
Decoded = tuple[Samples, int] | ValueError


@dataclass
class _Pack:
    """A file that is being filled."""

    path: Path
    sample_rate: int
    pieces: list[Samples] = field(default_factory=list)
    num_samples: int = 0

    def add(self, utterance: Utterance, samples: Samples) -> Utterance:
        start, self.num_samples = self.num_samples, self.num_samples + len(samples)
        self.pieces.append(samples)
        return replace(
            utterance,
            audio=self.path,
            offset_seconds=start / self.sample_rate,
            duration_seconds=len(samples) / self.sample_rate,
            content=_content(samples, self.sample_rate),
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
        samples, sample_rate = found
        kind = (sample_rate, samples.shape[1])
        if kind not in packs:
            packs[kind] = _Pack(folder / f"{number:05d}.flac", sample_rate)
            number += 1
        yield packs[kind].add(utterance, samples)
        if packs[kind].num_samples >= PACK_SECONDS * sample_rate:
            packs.pop(kind).write()
    for rest in packs.values():
        rest.write()


def _decoded(item: tuple[Utterance, bytes]) -> tuple[Utterance, Decoded]:
    utterance, content = item
    try:
        return utterance, decode_content(content)
    except ValueError as error:
        return utterance, error


def _content(samples: Samples, sample_rate: int) -> bytes:
    digest = content_digest(sample_rate, samples.shape[1])
    digest.update((samples / np.float32(2**15)).data)
    return digest.digest()[:CONTENT_BYTES]


def decode_content(content: bytes) -> tuple[Samples, int]:
    """Samples (N, channels) of 16 bits, and their rate; ValueError where the content is not sound, or more
    than an utterance may have.
    """
    blocks, num_samples = [], 0
    with tempfile.TemporaryFile(buffering=0) as stream:  # what libsndfile reads has a descriptor
        stream.write(content)
        for sound, block in decode(cast(io.FileIO, stream)):
            if sound.channels > MAX_CHANNELS or sound.samplerate > MAX_SAMPLE_RATE:
                raise ValueError(f"FLAC cannot hold {sound.channels} channels at {sound.samplerate} Hz")
            if not np.isfinite(block).all():
                raise ValueError(NOT_FINITE)
            num_samples += len(block)
            refuse_too_long(num_samples, sound.samplerate, sound.channels)
            blocks.append(_quantized(block))
        return np.concatenate(blocks), sound.samplerate


def _quantized(samples: np.ndarray[Any, np.dtype[np.float32]]) -> Samples:
    """To 16 bits; not by libsndfile, which does not scale what a file holds as floats."""
    quantized: Samples = np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
    return quantized
