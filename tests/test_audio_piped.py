"""Files that were written into a pipe, and files that were joined: all of their samples are read."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stages.audio.inspection import inspect_recording
from stages.audio.recording import read_recording, read_span

RATE = 8000
SAMPLES = np.sin(np.arange(RATE) / 5) * np.linspace(0.1, 0.5, RATE)
CODINGS = ("PCM_U8", "PCM_24", "FLOAT", "DOUBLE", "ALAW", "ULAW", "MS_ADPCM", "IMA_ADPCM", "GSM610")
LIST = b"LIST" + struct.pack("<I", 12) + b"INFOISFT\0\0\0\0"


def encoded(container: str, subtype: str | None = None, samples: np.ndarray[Any, Any] = SAMPLES) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, samples, RATE, format=container, subtype=subtype)
    return content.getvalue()


def with_length(content: bytes, chunk: bytes, code: str, value: int, behind: int = 4) -> bytes:
    """With another length of a chunk."""
    place = content.index(chunk) + behind
    return content[:place] + struct.pack(code, value) + content[place + struct.calcsize(code) :]


def piped_rf64() -> bytes:
    return with_length(with_length(encoded("RF64"), b"ds64", "<Q", 0, 8), b"ds64", "<Q", 0, 16)


PIPED = {
    "WAV, 0": with_length(encoded("WAV"), b"data", "<I", 0),
    "WAV, 2^31 - 1": with_length(encoded("WAV"), b"data", "<I", 2**31 - 1),
    "WAV, 2^31 - 1 less a header": with_length(encoded("WAV"), b"data", "<I", 2**31 - 1 - 36),
    "WAV, 2^31": with_length(encoded("WAV"), b"data", "<I", 2**31),
    "WAV, 2^32 - 1": with_length(encoded("WAV"), b"data", "<I", 2**32 - 1),
    **{
        f"WAV, {subtype}": with_length(encoded("WAV", subtype), b"data", "<I", 2**32 - 1)
        for subtype in CODINGS
    },
    "RF64": piped_rf64(),
    "AIFF": with_length(encoded("AIFF"), b"SSND", ">I", 0),
    "AIFF of sox": with_length(encoded("AIFF"), b"SSND", ">I", 0x7F000008),
    "CAF": with_length(encoded("CAF"), b"data", ">Q", 2**64 - 1),
}  # fmt: skip


@pytest.mark.parametrize("kind", PIPED)
def test_a_file_that_was_written_into_a_pipe_is_read_to_its_end(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(PIPED[kind])
    found, rate = read_recording(path)
    assert rate == RATE
    block = 1024  # codings of several samples fill the last one
    assert 0 <= len(found) - len(SAMPLES) < block
    assert np.abs(found[: len(SAMPLES), 0] - SAMPLES).max() < 0.1
    assert inspect_recording(path).duration_seconds == len(found) / RATE
    part, _ = read_span(path, 0.25, 0.5)
    np.testing.assert_array_equal(part, found[RATE // 4 : 3 * RATE // 4])


def test_a_length_that_is_known_is_a_claim(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV")[:-100])
    with pytest.raises(ValueError, match="the file is truncated"):
        read_recording(tmp_path / "a.wav")


@pytest.mark.parametrize("after", [b"", LIST])
def test_a_wav_without_samples_has_none(after: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV", samples=np.zeros(0)) + after)
    with pytest.raises(ValueError, match="the file holds no samples"):
        read_recording(tmp_path / "a.wav")


@pytest.mark.parametrize(("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)])
def test_joined_files_are_read_to_the_end(container: str, subtype: str | None, tmp_path: Path) -> None:
    one, two = encoded(container, subtype), encoded(container, subtype, SAMPLES[::-1])
    alone = []
    for content in (one, two):
        (tmp_path / "alone").write_bytes(content)
        alone.append(read_recording(tmp_path / "alone")[0])
    (tmp_path / "joined").write_bytes(one + two)
    found, _ = read_recording(tmp_path / "joined")
    assert len(found) >= sum(map(len, alone))
    np.testing.assert_allclose(found[: len(alone[0])], alone[0], atol=2e-6)
    if container == "OGG":
        np.testing.assert_allclose(found, np.concatenate(alone), atol=2e-6)
    for start in (0, 3000, 7900, 8000, 9000):
        part, _ = read_span(tmp_path / "joined", start / RATE, 0.5)
        np.testing.assert_allclose(part, found[start : start + RATE // 2], atol=2e-6)


def test_joined_files_of_different_kinds_are_refused(tmp_path: Path) -> None:
    stereo = encoded("OGG", "VORBIS", np.stack([SAMPLES, SAMPLES], 1))
    (tmp_path / "joined.ogg").write_bytes(encoded("OGG", "VORBIS") + stereo)
    with pytest.raises(ValueError, match="joined files with different sample rates or channels"):
        read_recording(tmp_path / "joined.ogg")


@pytest.mark.parametrize("tag", [b"TAG" + b"x" * 125, b"APETAGEX" + bytes(24)])
def test_a_tag_behind_a_flac_is_no_audio(tag: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(encoded("FLAC") + tag)
    assert len(read_recording(tmp_path / "a.flac")[0]) == RATE
