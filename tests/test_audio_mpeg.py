"""MPEG streams: every frame is counted and heard, whatever a header, a tag or an estimate says."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stages.audio import mpeg_stream
from stages.audio.inspection import inspect_recording
from stages.audio.mpeg_file import MpegFile
from stages.audio.mpeg_frame import parse
from stages.audio.mpeg_stream import read_stream
from stages.audio.recording import read_span

FRAME = bytes.fromhex("FFFB9000")  # MPEG-1, layer III, 128 kbit/s, 44.1 kHz, stereo, no padding


@pytest.mark.parametrize(
    ("header", "num_bytes", "num_samples", "sample_rate", "mono"),
    [  # 144 * 128000 / 44100, and so on
        ("FFFB9000", 417, 1152, 44100, False),
        ("FFFB9200", 418, 1152, 44100, False),
        ("FFF380C0", 208, 576, 22050, True),
        ("FFE380C0", 417, 576, 11025, True),
        ("FFFD9000", 522, 1152, 44100, False),
        ("FFFF9000", 312, 384, 44100, False),
    ],
)
def test_a_header_says_how_long_its_frame_is(
    header: str, num_bytes: int, num_samples: int, sample_rate: int, mono: bool
) -> None:
    frame = parse(bytes.fromhex(header))
    assert frame is not None
    kind = frame.kind
    assert (frame.num_bytes, kind.num_samples) == (num_bytes, num_samples)
    assert (kind.sample_rate, kind.is_mono) == (sample_rate, mono)


@pytest.mark.parametrize(
    "header", ["FFFB", "49443303", "FFEB9000", "FFF99000", "FFFB0000", "FFFBF000", "FFFB9C00"]
)
def test_what_begins_no_frame_is_none(header: str) -> None:
    assert parse(bytes.fromhex(header)) is None


def encoded(seconds: float = 3.0, rate: int = 16000, mode: str = "VARIABLE", channels: int = 1) -> bytes:
    """An MP3 with a Xing header, as LAME writes it."""
    time = np.arange(round(seconds * rate))[:, None] / rate
    samples = 0.4 * np.sin(2 * np.pi * 300 * time * (1 + 0.1 * np.sin(time))) * np.ones(channels)
    content = io.BytesIO()
    soundfile.write(content, samples, rate, format="MP3", bitrate_mode=mode, compression_level=0.5)
    return content.getvalue()


def without_header(content: bytes) -> bytes:
    frame = parse(content[:4])
    assert frame is not None
    return content[frame.num_bytes :]


def heard(content: bytes, folder: Path) -> np.ndarray[Any, Any]:
    (folder / "a.mp3").write_bytes(content)
    with io.FileIO(folder / "a.mp3") as file:
        stream = read_stream(file)
        assert stream is not None
        with soundfile.SoundFile(MpegFile(file, stream)) as sound:
            samples: np.ndarray[Any, Any] = sound.read(dtype="float32", always_2d=True)
    return samples


def num_frames(content: bytes) -> int:
    """By hand: one after the other."""
    count = 0
    while frame := parse(content[:4]):
        content, count = content[frame.num_bytes :], count + 1
    return count


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT", "AVERAGE"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_stream_without_a_header_is_heard_to_its_end(
    rate: int, mode: str, channels: int, tmp_path: Path
) -> None:
    content = encoded(3.0, rate, mode, channels)
    bare = without_header(content)
    found = heard(bare, tmp_path)
    frame = parse(bare[:4])
    assert frame is not None
    assert found.shape == (num_frames(bare) * frame.kind.num_samples, channels)
    whole = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0]
    delay = 576 + 529  # of LAME's encoder, and of every decoder
    np.testing.assert_allclose(found[delay : delay + len(whole)], whole, atol=2e-6)


def test_joined_streams_are_heard_to_the_end(tmp_path: Path) -> None:
    one, two = encoded(3.0), encoded(2.0)
    found = heard(one + two, tmp_path)
    frame = parse(one[:4])
    assert frame is not None
    # all frames but the first header, which is no audio; the second one is a silent frame
    assert len(found) == (num_frames(one + two) - 1) * frame.kind.num_samples - 576 - 529
    alone = soundfile.read(io.BytesIO(one), dtype="float32", always_2d=True)[0]
    np.testing.assert_allclose(found[: len(alone)], alone, atol=2e-6)


ID3V2 = b"ID3\x04\x00\x00\x00\x00\x08\x00" + b"\xff\xfb\x90\x00" * 256
ID3V1, APE = b"TAG" + b"\xff" * 125, b"APETAGEX" + b"\xff\xfb\x90\x00" * 8


@pytest.mark.parametrize(
    ("before", "after"),
    [(ID3V2, b""), (ID3V2 * 2, b""), (b"", ID3V1), (b"", APE + ID3V1), (b"\0" * 999, b"\0" * 99)],
)
def test_tags_are_no_audio(before: bytes, after: bytes, tmp_path: Path) -> None:
    bare = without_header(encoded())
    np.testing.assert_array_equal(heard(before + bare + after, tmp_path), heard(bare, tmp_path))


def test_a_header_is_a_claim_that_a_file_can_miss(tmp_path: Path) -> None:
    content = encoded()
    (tmp_path / "cut.mp3").write_bytes(content[: len(content) // 2])
    (tmp_path / "whole.mp3").write_bytes(content)
    for name, is_cut in {"cut.mp3": True, "whole.mp3": False}.items():
        with io.FileIO(tmp_path / name) as file:
            stream = read_stream(file)
        assert stream is not None
        assert stream.is_cut is is_cut


def test_a_frame_that_is_cut_is_left_out(tmp_path: Path) -> None:
    bare = without_header(encoded(mode="CONSTANT"))
    assert len(heard(bare[:-10], tmp_path)) == len(heard(bare, tmp_path)) - 576


def test_a_stream_that_changes_is_refused_with_the_place(tmp_path: Path) -> None:
    one, two = encoded(rate=16000), encoded(rate=44100)
    (tmp_path / "a.mp3").write_bytes(one + two)
    with (
        io.FileIO(tmp_path / "a.mp3") as file,
        pytest.raises(
            ValueError, match=rf"at byte {len(one)}: 16000 Hz, one channel, then 44100 Hz, one channel"
        ),
    ):
        read_stream(file)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100_000, ID3V2, FRAME, bytes(3 * 2**20)])
def test_what_holds_no_frame_is_no_stream(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(content)
    with io.FileIO(tmp_path / "a.mp3") as file:
        assert read_stream(file) is None


@pytest.mark.parametrize("chunk", [2**14, 2**15])
def test_a_long_stream_is_read_in_chunks(chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = without_header(encoded(30.0))
    expected = heard(bare, tmp_path)
    monkeypatch.setattr(mpeg_stream, "CHUNK", chunk)
    np.testing.assert_array_equal(heard(bare, tmp_path), expected)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
@pytest.mark.parametrize("has_header", [True, False])
def test_a_part_is_what_it_is_in_the_whole(rate: int, mode: str, has_header: bool, tmp_path: Path) -> None:
    content = encoded(20.0, rate, mode)
    whole = heard(ID3V2 + (content if has_header else without_header(content)), tmp_path)
    for start in (0, 1, 1000, 2 * 576, 5 * 1152 + 7, 9 * rate, len(whole) - 500):
        found, _ = read_span(tmp_path / "a.mp3", start / rate, 1.0)
        np.testing.assert_allclose(found, whole[start : start + rate], atol=2e-6)


def test_the_samples_that_the_encoder_added_are_dropped(tmp_path: Path) -> None:
    content = encoded(3.0)
    expected = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0]
    np.testing.assert_allclose(heard(content, tmp_path), expected, atol=1e-7)
    assert len(heard(content, tmp_path)) == 48000


def test_a_file_of_the_same_size_and_time_is_another_file(tmp_path: Path) -> None:
    """As temporary files are, that follow each other within a tick of the clock and take one inode."""
    one, two = without_header(encoded(3.0)), without_header(encoded(2.0, mode="CONSTANT"))
    two = two.ljust(len(one), b"\0")
    one = one.ljust(len(two), b"\0")
    seconds = []
    for content in (one, two):
        (tmp_path / "a.mp3").write_bytes(content)
        os.utime(tmp_path / "a.mp3", ns=(0, 0))
        seconds.append(inspect_recording(tmp_path / "a.mp3").duration_seconds)
    assert seconds[0] > 3.0
    assert 2.0 < seconds[1] < 3.0
