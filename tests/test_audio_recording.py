"""Complete files are accepted, truncated ones are not, whatever libsndfile reports."""

import io
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stages.audio.inspection import Recording, inspect_recording
from stages.audio.recording import BLOCK_VALUES, mono, read_recording, read_span

NUM_SAMPLES = 79999  # odd, and more than one page of Ogg


def encoded(container: str, subtype: str | None = None) -> bytes:
    noise: Any = np.random.default_rng(0).normal(0.0, 0.1, NUM_SAMPLES)
    stream = io.BytesIO()
    soundfile.write(stream, noise, 16000, format=container, subtype=subtype)
    return stream.getvalue()


def inspect(content: bytes) -> Recording:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return inspect_recording(Path(file.name))


def measure(content: bytes) -> tuple[int, int]:
    found = inspect(content)
    return round(found.duration_seconds * found.sample_rate), found.sample_rate


KINDS = [
    ("WAV", None), ("WAV", "ULAW"), ("WAV", "PCM_U8"), ("FLAC", None), ("OGG", "VORBIS"), ("OGG", "OPUS"),
    ("MP3", None), ("AIFF", None), ("AU", None), ("W64", None), ("NIST", None),
]  # fmt: skip


@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_a_whole_file_is_sound(container: str, subtype: str | None) -> None:
    assert measure(encoded(container, subtype)) == (NUM_SAMPLES, 16000)


@pytest.mark.parametrize(("container", "subtype"), KINDS)
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
def test_a_cut_file_is_refused(container: str, subtype: str | None, kept: float) -> None:
    content = encoded(container, subtype)
    with pytest.raises(ValueError, match=r"truncated|not readable|no samples"):
        measure(content[: int(kept * len(content))])


def test_a_wrong_riff_size_over_whole_audio_is_forgiven() -> None:
    content = bytearray(encoded("WAV"))
    struct.pack_into("<I", content, 4, len(content))  # instead of len(content) - 8, as many writers have it
    assert measure(bytes(content)) == (NUM_SAMPLES, 16000)


def flac_that_claims(num_samples: int) -> bytes:
    """A FLAC of NUM_SAMPLES whose header has another number in the 36 bits before the checksum."""
    content = bytearray(encoded("FLAC"))
    (packed,) = struct.unpack_from(">Q", content, 18)
    struct.pack_into(">Q", content, 18, packed >> 36 << 36 | num_samples)
    return bytes(content)


@pytest.mark.parametrize("claimed", [NUM_SAMPLES + 1, 2**36 - 1])
def test_a_header_that_claims_more_samples_than_there_are_is_refused(claimed: int) -> None:
    with pytest.raises(ValueError, match="the file is truncated"):
        measure(flac_that_claims(claimed))


def test_a_streamed_flac_does_not_say_its_length_and_is_sound(tmp_path: Path) -> None:
    path, streamed = tmp_path / "whole.flac", tmp_path / "streamed.flac"
    path.write_bytes(encoded("FLAC"))
    streamed.write_bytes(flac_that_claims(0))
    assert inspect_recording(streamed).duration_seconds == NUM_SAMPLES / 16000
    for span in [(0.0, NUM_SAMPLES / 16000), (4.0, NUM_SAMPLES / 16000 - 4), (1.0, 0.5)]:
        np.testing.assert_array_equal(read_span(streamed, *span)[0], read_span(path, *span)[0])


def test_a_cut_streamed_flac_is_refused() -> None:
    with pytest.raises(ValueError, match="not readable"):
        measure(flac_that_claims(0)[:-100])


def test_a_span_ends_with_the_recording_whatever_duration_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV"))
    samples, _ = read_span(tmp_path / "a.wav", 1.0, 1e12)
    assert samples.shape == (NUM_SAMPLES - 16000, 1)


def test_a_span_of_what_cannot_be_searched_is_read_through_what_is_before(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV", "GSM610"))
    whole, _ = read_recording(tmp_path / "a.wav")
    span, _ = read_span(tmp_path / "a.wav", 1.0, 0.5)
    np.testing.assert_array_equal(span, whole[16000:24000])


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path / "pipe.wav", tmp_path):
        with pytest.raises(ValueError, match="not a regular file"):
            inspect_recording(path)


@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_the_name_does_not_decide_what_a_file_is(tmp_path: Path, container: str, subtype: str | None) -> None:
    (tmp_path / "speech.raw").write_bytes(encoded(container, subtype))
    samples, sample_rate = read_span(tmp_path / "speech.raw", 1.0, 0.5)
    assert (len(samples), sample_rate) == (8000, 16000)


@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_a_whole_file_is_read_as_a_span_of_all_of_it(
    container: str, subtype: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    path.write_bytes(encoded(container, subtype))
    samples, sample_rate = read_recording(path)
    expected, expected_rate = read_span(path, 0.0, NUM_SAMPLES / 16000)
    assert (samples.shape, sample_rate) == ((NUM_SAMPLES, 1), expected_rate)
    np.testing.assert_array_equal(samples, expected)


def test_a_file_that_is_not_sound_throughout_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(encoded("FLAC")[:-100])
    with pytest.raises(ValueError, match=r"truncated|not readable"):
        read_recording(path)
    with pytest.raises(ValueError, match="cannot read the file: No such file"):
        read_recording(tmp_path / "b")


def test_a_run_at_full_scale_counts_in_its_windows_across_blocks(tmp_path: Path) -> None:
    samples = np.zeros((3 * BLOCK_VALUES, 2))
    block = BLOCK_VALUES // 2 // 1600 * 1600  # samples per channel
    for start, length in ((10, 2), (block - 1, 3), (2 * block - 2, 4), (2 * block + 1599, 5)):
        samples[start : start + length, 0] = 1.0
    samples[block - 2 : block + 1, 1] = [-1.0, 1.0, -1.0]
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    found = inspect_recording(tmp_path / "a.wav").clipped
    place = block // 1600
    assert {int(n): int(found[n]) for n in np.flatnonzero(found)} == {
        place - 1: 1, place: 2, 2 * place - 1: 2, 2 * place: 3, 2 * place + 1: 4,
    }  # fmt: skip


def test_windows_keep_their_place_at_a_rate_of_which_they_are_no_whole_number(tmp_path: Path) -> None:
    samples = np.zeros(11025 * 300)
    samples[11025 * 290 : 11025 * 291] = 1.0
    soundfile.write(tmp_path / "a.wav", samples, 11025)
    found = inspect_recording(tmp_path / "a.wav")
    assert [found.clipped_share(offset, 0.5) for offset in (289.4, 290.2, 291.1)] == [0.0, 1.0, 0.0]
    assert [round(found.loudest(offset, 0.5)) for offset in (289.3, 290.2, 291.2)] == [0, 1, 0]


def test_mono_is_the_mean_of_the_channels_at_another_rate() -> None:
    channels = np.tile(np.array([[0.5, 0.1]], np.float32), (4410, 1))
    assert mono(channels, 16000, 16000).tolist() == pytest.approx([0.3] * 4410)
    resampled = mono(channels, 44100, 16000)
    assert (len(resampled), resampled.dtype) == (1600, np.float32)
    assert resampled[800] == pytest.approx(0.3, abs=1e-3)


@pytest.mark.parametrize(
    ("container", "subtype"), [("MP3", None), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", None)]
)
def test_a_span_has_the_samples_of_the_whole_though_frames_lean_on_earlier_ones(
    container: str, subtype: str | None, tmp_path: Path
) -> None:
    seconds = np.arange(20 * 16000) / 16000
    chirp = 0.5 * np.sin(2 * np.pi * (200 + 100 * seconds) * seconds)
    path = tmp_path / "chirp"
    soundfile.write(path, chirp, 16000, format=container, subtype=subtype)
    whole, _ = read_span(path, 0.0, 20.0)
    for offset in (0.5, 3.0, 7.3, 15.01):
        span, _ = read_span(path, offset, 2.0)
        start = round(offset * 16000)
        assert np.abs(span - whole[start : start + 32000]).max() < 1e-5


@pytest.mark.parametrize("seconds", [5.37, 140.2])
def test_a_span_of_the_last_page_of_vorbis_begins_where_it_says(tmp_path: Path, seconds: float) -> None:
    path, length = tmp_path / "a.ogg", int(8000 * seconds)
    noise = np.random.default_rng(5).normal(0.0, 0.1, length)
    with soundfile.SoundFile(path, "w", 8000, 1, format="OGG", subtype="VORBIS") as stream:
        for start in range(0, length, 8000):
            stream.write(noise[start : start + 8000])
    whole, _ = read_recording(path)
    for start in range(length - 4000, length - 400, 400):
        np.testing.assert_array_equal(read_span(path, start / 8000, 0.05)[0], whole[start : start + 400])
