"""Audio files: what they hold, and what is wrong with them."""

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

# libsndfile's "data : 31998 (should be 19956)". Not its RIFF line: many writers are wrong there over whole
# audio; not "chunk should be an even number of bytes" either.
SHORTER_CHUNK = re.compile(r"^ *(?:data|SSND|riff|Data Size) *: \d+ \(should be \d+\)", re.MULTILINE)

Samples = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Recording:
    duration_seconds: float
    sample_rate: int
    sha256: str


def inspect_recording(path: Path) -> Recording:
    """Decode a whole file; ValueError with the reason when it is not sound throughout."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the file: {error.strerror}") from error
    if not content:
        raise ValueError("the file is empty")
    samples, sample_rate = decode(content)
    if not np.isfinite(samples).all():
        raise ValueError("the file holds NaN or infinite samples")
    return Recording(len(samples) / sample_rate, sample_rate, hashlib.sha256(content).hexdigest())


def decode(content: bytes) -> tuple[Samples, int]:
    """Samples (N, channels) and sample rate of a file's bytes; ValueError when damaged or no audio."""
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            expected = sound.frames
            shorter_than_header = bool(SHORTER_CHUNK.search(sound.extra_info))
            samples = sound.read(dtype="float32", always_2d=True)
            sample_rate = sound.samplerate
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not readable as audio: {error.error_string}") from error
    if shorter_than_header or len(samples) < expected or _is_cut_ogg(content):
        raise ValueError("the file is truncated: it holds less audio than its header says")
    if not len(samples):
        raise ValueError("the file holds no samples")
    return samples, sample_rate


def read_span(path: Path, offset_seconds: float, duration_seconds: float) -> tuple[Samples, int]:
    """Samples (N, channels) of a part of a sound file, and its sample rate; the rest is not decoded."""
    try:
        with soundfile.SoundFile(path) as sound:
            sound.seek(round(offset_seconds * sound.samplerate))
            length = round(duration_seconds * sound.samplerate)
            return sound.read(length, dtype="float32", always_2d=True), sound.samplerate
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not readable as audio: {error.error_string}") from error


def _is_cut_ogg(content: bytes) -> bool:
    """Whether the last page of an Ogg stream is absent or cut; libsndfile takes it for a shorter stream."""
    if not content.startswith(b"OggS"):
        return False
    page = content[content.rfind(b"OggS") :]
    if len(page) < 27:
        return True
    num_segments, ends_stream = page[26], page[5] & 4
    return not ends_stream or len(page) < 27 + num_segments + sum(page[27 : 27 + num_segments])
