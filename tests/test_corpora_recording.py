"""Whole files are sound, cut ones are not, whatever libsndfile makes of them."""

import io
import struct
from typing import Any

import numpy as np
import pytest
import soundfile

from stages.corpora.recording import decode

NUM_SAMPLES = 79999  # odd, and more than one page of Ogg


def encoded(container: str, subtype: str | None = None) -> bytes:
    noise: Any = np.random.default_rng(0).normal(0.0, 0.1, NUM_SAMPLES)
    stream = io.BytesIO()
    soundfile.write(stream, noise, 16000, format=container, subtype=subtype)
    return stream.getvalue()


KINDS = [
    ("WAV", None), ("WAV", "ULAW"), ("WAV", "PCM_U8"), ("FLAC", None), ("OGG", "VORBIS"), ("OGG", "OPUS"),
    ("MP3", None), ("AIFF", None), ("AU", None), ("W64", None),
]  # fmt: skip


@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_a_whole_file_is_sound(container: str, subtype: str | None) -> None:
    samples, _ = decode(encoded(container, subtype))
    assert len(samples) == NUM_SAMPLES


@pytest.mark.parametrize(("container", "subtype"), KINDS)
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
def test_a_cut_file_is_refused(container: str, subtype: str | None, kept: float) -> None:
    content = encoded(container, subtype)
    with pytest.raises(ValueError, match=r"truncated|not readable|no samples"):
        decode(content[: int(kept * len(content))])


def test_a_wrong_riff_size_over_whole_audio_is_forgiven() -> None:
    content = bytearray(encoded("WAV"))
    struct.pack_into("<I", content, 4, len(content))  # instead of len(content) - 8, as many writers have it
    samples, _ = decode(bytes(content))
    assert len(samples) == NUM_SAMPLES
