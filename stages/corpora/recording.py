"""Audio files: what they hold, and what is wrong with them."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile


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


def decode(content: bytes) -> tuple[np.ndarray[Any, np.dtype[np.float32]], int]:
    """Samples (N, channels) and sample rate of a file's bytes; ValueError when damaged or no audio."""
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            expected = sound.frames
            shorter_than_header = "should be" in sound.extra_info
            samples = sound.read(dtype="float32", always_2d=True)
            sample_rate = sound.samplerate
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not readable as audio: {error.error_string}") from error
    if shorter_than_header or len(samples) < expected:
        raise ValueError("the file is truncated: it holds less audio than its header says")
    if not len(samples):
        raise ValueError("the file holds no samples")
    return samples, sample_rate
