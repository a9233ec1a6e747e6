"""Tiny real recordings, in the format of their file's name."""

from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 16000


def write_noise(path: Path, seconds: float = 0.2) -> Path:
    """A recording of noise that only this path's name has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng([*path.name.encode()]).normal(0.0, 0.1, int(seconds * SAMPLE_RATE))
    soundfile.write(path, noise, SAMPLE_RATE)
    return path
