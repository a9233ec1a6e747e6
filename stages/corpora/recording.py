"""Audio files: what they hold, and what is wrong with them."""

import hashlib
import io
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

# libsndfile's "data : 31998 (should be 19956)". Not its RIFF line: many writers are wrong there over whole
# audio; not "chunk should be an even number of bytes" either.
SHORTER_CHUNK = re.compile(r"^ *(?:data|SSND|riff|Data Size) *: \d+ \(should be \d+\)", re.MULTILINE)
BLOCK = 2**16  # samples of each channel; a header that lies about their number costs no memory
UNKNOWN_LENGTH = 2**63 - 1  # libsndfile's, of a FLAC that was streamed

Samples = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Recording:
    duration_seconds: float
    sample_rate: int
    sha256: str


def write_recording(path: Path, samples: np.ndarray[Any, np.dtype[Any]], sample_rate: int) -> None:
    """A FLAC of 16 bits; OSError, with its reason, where the disk does not take it."""
    content = io.BytesIO()
    soundfile.write(content, samples, sample_rate, format="FLAC", subtype="PCM_16")
    path.write_bytes(content.getvalue())


def inspect_recording(path: Path) -> Recording:
    """Decode a whole file; ValueError with the reason when it is not sound throughout."""
    content = _content(path)
    num_samples, sample_rate = measure(content)
    return Recording(num_samples / sample_rate, sample_rate, hashlib.sha256(content).hexdigest())


def measure(content: bytes) -> tuple[int, int]:
    """Samples of each channel and sample rate of a file's bytes, all of them decoded.

    ValueError when the file is damaged, no audio, or holds values that are no numbers.
    """
    num_samples = 0
    try:
        with _SoundFile(io.BytesIO(content)) as sound:
            expected, sample_rate = sound.frames, sound.samplerate
            shorter_than_header = bool(SHORTER_CHUNK.search(sound.extra_info))
            while len(block := _read(sound, min(BLOCK, expected - num_samples))):
                num_samples += len(block)
                if not np.isfinite(block).all():
                    raise ValueError("the file holds NaN or infinite samples")
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not readable as audio: {error.error_string}") from error
    is_cut = num_samples < expected != UNKNOWN_LENGTH
    if shorter_than_header or is_cut or _is_cut_ogg(content):
        raise ValueError("the file is truncated: it holds less audio than its header says")
    if not num_samples:
        raise ValueError("the file holds no samples")
    return num_samples, sample_rate


def read_span(path: Path, offset_seconds: float, duration_seconds: float) -> tuple[Samples, int]:
    """Samples (N, channels) of a part of a sound file, and its sample rate; the rest is not decoded."""
    try:
        with path.open("rb") as stream, _SoundFile(stream.fileno(), closefd=False) as sound:  # name.raw too
            start = sound.seek(round(offset_seconds * sound.samplerate))
            length = round(duration_seconds * sound.samplerate)
            return _read(sound, min(length, sound.frames - start)), sound.samplerate
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not readable as audio: {error.error_string}") from error


def read_recording(path: Path) -> tuple[Samples, int]:
    """Samples (N, channels) of a whole file, and its sample rate; ValueError as by inspect_recording."""
    num_samples, sample_rate = measure(_content(path))
    return read_span(path, 0.0, num_samples / sample_rate)


def mono(channels: Samples, original_rate: int, sample_rate: int) -> Samples:
    """The mean of the channels (N, channels) at another sample rate: (N',)."""
    samples: Samples = soxr.resample(channels.mean(axis=1), original_rate, sample_rate)
    return samples


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("no regular file")  # one would wait for a pipe's writer for ever
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the file: {error.strerror}") from error
    if not content:
        raise ValueError("the file is empty")
    return content


class _SoundFile(soundfile.SoundFile):
    """Reads on without the seek that soundfile adds to every read: it fails at the end of a streamed FLAC."""

    def seekable(self) -> bool:
        return False


def _read(sound: soundfile.SoundFile, num_samples: int) -> Samples:
    samples: Samples = sound.read(num_samples, dtype="float32", always_2d=True)
    return samples


def _is_cut_ogg(content: bytes) -> bool:
    """Whether the last page of an Ogg stream is absent or cut; libsndfile takes it for a shorter stream."""
    if not content.startswith(b"OggS"):
        return False
    page = content[content.rfind(b"OggS") :]
    if len(page) < 27:
        return True
    num_segments, ends_stream = page[26], page[5] & 4
    return not ends_stream or len(page) < 27 + num_segments + sum(page[27 : 27 + num_segments])
