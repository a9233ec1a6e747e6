"""Measures a recording while decoding it once, in blocks: memory does not grow with its length."""

import hashlib
import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from stages.audio.recording import (
    NOT_FINITE,
    Samples,
    decode,
    open_recording,
    window_length,
)

# Hz; headers with other rates are wrong, and resampling would take forever.
SAMPLE_RATES = range(1000, 768_000 + 1)
# The largest positive values of 8-bit and logarithmic encodings; all others use that of 16 bits.
FULL_SCALES = {"PCM_U8": 127 / 128, "PCM_S8": 127 / 128, "ULAW": 32124 / 32768, "ALAW": 32256 / 32768}
FULL_SCALE = 32767 / 32768
MAX_PEAK = 2.0**31  # for floats on the scale of integers; the power of larger values may be infinite
TOO_LOUD = f"samples more than {MAX_PEAK:.2g} times beyond full scale"
SIGNS = np.dtype(np.int8)
CONTENT_BYTES = 16  # of a hash: enough for a billion recordings

MAX_DURATION_SECONDS = 3600.0  # of an utterance, which later stages hold in memory
MAX_VALUES = 2**29  # of an utterance in all channels, before the mix-down: 2 GB

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Recording:
    """``content`` is a hash of the samples: equal for one recording in two lossless formats.

    ``levels`` and ``clipped`` have a value for each window of ``window`` samples, over all channels: the root
    mean square, and the number of samples at full scale in runs of three or more in one channel. Peak
    normalisation leaves single ones.
    """

    duration_seconds: float
    sample_rate: int
    sha256: str
    content: bytes
    num_channels: int
    container: str
    subtype: str
    window: int
    levels: Samples
    clipped: Array

    def loudest(self, offset_seconds: float, duration_seconds: float) -> float:
        """The level of the loudest window of a span."""
        return float(self.levels[self._windows(offset_seconds, duration_seconds)].max(initial=0.0))

    def clipped_share(self, offset_seconds: float, duration_seconds: float) -> float:
        """The fraction of clipped samples in a span."""
        windows = self._windows(offset_seconds, duration_seconds)
        end = min(windows.stop * self.window, self._samples(self.duration_seconds))
        length = end - windows.start * self.window
        return float(self.clipped[windows].sum()) / max(length * self.num_channels, 1)

    def _windows(self, offset_seconds: float, duration_seconds: float) -> slice:
        """Of a span, without those that it shares with a neighbour, unless it has no others."""
        start, end = self._samples(offset_seconds), self._samples(offset_seconds + duration_seconds)
        first, last = -(-start // self.window), end // self.window
        if end >= self._samples(self.duration_seconds):
            last = len(self.clipped)  # the last window may be shorter
        if first >= last:
            first, last = start // self.window, -(-end // self.window)
        return slice(first, last)

    def _samples(self, seconds: float) -> int:
        """Per channel."""
        return round(seconds * self.sample_rate)


class ContentDigest:
    """A hash of the samples of a recording, its sample rate and its number of channels."""

    def __init__(self, sound: soundfile.SoundFile) -> None:
        self._hash = hashlib.sha256(f"{sound.samplerate} {sound.channels}".encode())

    def add(self, block: Samples) -> None:
        """Add decoded samples (n, channels)."""
        self._hash.update((block + np.float32(0.0)).data)  # -0.0 counts as 0.0

    def content(self) -> bytes:
        return self._hash.digest()[:CONTENT_BYTES]


def inspect_recording(path: Path) -> Recording:
    """Decode a complete file; ValueError with the reason if any of it is invalid."""
    with open_recording(path) as stream:
        before = os.fstat(stream.fileno())
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        found = _measure(stream, sha256)
        after = os.fstat(stream.fileno())
    # The hash is of the decoded bytes only if the file did not change in between.
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ValueError("the file changed while it was read")
    return found


def _measure(stream: FileIO, sha256: str) -> Recording:
    num_samples, levels = 0, []
    clipping: _Clipping | None = None
    for sound, block in decode(stream):
        if clipping is None:
            _check_rate(sound)
            clipping = _Clipping(sound)
            content = ContentDigest(sound)
        num_samples += len(block)
        block_peak = max(float(block.max()), -float(block.min()))
        if not block_peak <= MAX_PEAK:  # written so that NaN fails too
            raise ValueError(TOO_LOUD if block_peak < np.inf else NOT_FINITE)
        content.add(block)
        levels.append(_levels(block, window_length(sound)))
        clipping.count(block, block_peak)
    assert clipping is not None  # decode refuses a file without samples
    return Recording(
        duration_seconds=num_samples / sound.samplerate,
        sample_rate=sound.samplerate,
        sha256=sha256,
        content=content.content(),
        num_channels=sound.channels,
        container=sound.format,
        subtype=sound.subtype,
        window=window_length(sound),
        levels=np.concatenate(levels),
        clipped=np.concatenate(clipping.counts),
    )


def _check_rate(sound: soundfile.SoundFile) -> None:
    if sound.samplerate not in SAMPLE_RATES:
        low, high = SAMPLE_RATES[0], SAMPLE_RATES[-1]
        raise ValueError(f"a sample rate of {sound.samplerate} Hz, expected {low} to {high}")


def _levels(block: Samples, window: int) -> Samples:
    """Root mean squares of the windows of a block (n, channels); the last may be shorter."""
    whole = len(block) // window
    windows = block[: whole * window].reshape(whole, window * block.shape[1])
    squares = np.einsum("ij,ij->i", windows, windows) / windows.shape[1]
    rest = block[whole * window :].ravel()
    if len(rest):
        squares = np.append(squares, rest @ rest / len(rest))
    return np.sqrt(squares, dtype=np.float32)


class _Clipping:
    """Counts samples at full scale in runs of three or more, per window, across blocks."""

    def __init__(self, sound: soundfile.SoundFile) -> None:
        self.full_scale = FULL_SCALES.get(sound.subtype, FULL_SCALE)
        self.window = window_length(sound)
        # Of the last two samples before the block, where a run may have begun.
        self.signs: Array = np.zeros((2, sound.channels), SIGNS)
        self.clipped: Array = np.zeros((2, sound.channels), bool)
        self.counts: list[Array] = []

    def count(self, block: Samples, peak: float) -> None:
        if peak < self.full_scale:  # true of nearly every block
            self.signs, self.clipped = np.zeros_like(self.signs), np.zeros_like(self.clipped)
            self.counts.append(np.zeros(-(-len(block) // self.window), np.int32))
            return
        own = (block >= self.full_scale).view(SIGNS) - (block <= -self.full_scale).view(SIGNS)
        signs = np.concatenate([self.signs, own])
        third = (signs[2:] != 0) & (signs[2:] == signs[1:-1]) & (signs[2:] == signs[:-2])
        clipped = np.concatenate([self.clipped, third])
        clipped[1:-1] |= third
        clipped[:-2] |= third
        if late := np.count_nonzero(clipped[:2] & ~self.clipped):
            self.counts[-1][-1] += late
        of_samples = clipped[2:].sum(axis=1, dtype=np.int32)
        self.counts.append(np.add.reduceat(of_samples, np.arange(0, len(block), self.window)))
        self.signs, self.clipped = signs[-2:], clipped[-2:]


def refuse_too_long(num_samples: int, sample_rate: int, num_channels: int) -> None:
    """ValueError(reason, value) for more audio than an utterance may have."""
    seconds = num_samples / sample_rate
    if seconds > MAX_DURATION_SECONDS or num_samples * num_channels > MAX_VALUES:
        how = f"{num_channels} channels at {sample_rate} Hz"
        raise ValueError("more audio than fits into memory: cut it at pauses", f"{seconds:.0f} s, {how}")
