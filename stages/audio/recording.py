"""Reads audio files in blocks, completely or in part, and detects damaged ones."""

import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

# libsndfile's "data : 31998 (should be 19956)". Not its RIFF line, where many writers are wrong although the
# audio is complete; not "chunk should be an even number of bytes" either.
SHORTER_CHUNK = re.compile(r"^ *(?:data|SSND|riff|Data Size) *: \d+ \(should be \d+\)", re.MULTILINE)
BLOCK_VALUES = 2**17  # samples of all channels; a wrong number in the header costs no memory
WINDOW_SECONDS = 0.1  # all blocks but the last are multiples of it
UNKNOWN_LENGTH = 2**63 - 1  # libsndfile's value for a streamed FLAC
# Twice the largest 16-bit WAV; stops files of a few bytes that decode to endless audio.
MAX_VALUES = 2**32
MP3_MEMORY_SECONDS = 1.0  # frames use bits of earlier ones: of the last 0.4 s at the lowest rates
# The last page of Vorbis has at most 255 packets, a packet at most 4096 samples per channel.
LAST_PAGE = 2**20
NIST_COUNT = re.compile(rb"^NIST_1A\n.*\nsample_count -i (\d+)\n.*end_head", re.DOTALL)
NOT_FINITE = "the file holds NaN or infinite samples"
MAX_OGG_PAGE = 27 + 255 + 255 * 255  # bytes

Samples = np.ndarray[Any, np.dtype[np.float32]]


def write_recording(path: Path, samples: np.ndarray[Any, np.dtype[Any]], sample_rate: int) -> None:
    """Write a 16-bit FLAC; OSError with the reason if the disk refuses it."""
    content = io.BytesIO()
    soundfile.write(content, samples, sample_rate, format="FLAC", subtype="PCM_16")
    path.write_bytes(content.getvalue())


def open_recording(path: Path) -> io.FileIO:
    """Open a file unbuffered; ValueError with the reason if it cannot be read."""
    try:
        # Without O_NONBLOCK, opening a pipe waits for its writer forever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise ValueError(f"cannot read the file: {error.strerror}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        os.close(descriptor)
        raise ValueError("the file is empty" if stat.S_ISREG(status.st_mode) else "not a regular file")
    return io.FileIO(descriptor)


def decode(stream: io.FileIO) -> Iterator[tuple[soundfile.SoundFile, Samples]]:
    """All samples of an open file, in blocks (n, channels); ``SoundFile`` describes the file.

    ValueError if the file is damaged, is not audio, or holds no samples or more than MAX_VALUES.
    """
    num_samples = 0
    is_cut, claimed = _is_cut_ogg(stream), _claimed_by_nist(stream)
    try:
        with _sound(stream) as sound:
            expected = sound.frames
            is_cut |= bool(SHORTER_CHUNK.search(sound.extra_info))
            block_length = _block_length(sound)
            while len(block := _read(sound, min(block_length, expected - num_samples))):
                num_samples += len(block)
                if num_samples * sound.channels > MAX_VALUES:
                    raise ValueError(f"more than {MAX_VALUES} samples in all channels: cut the recording")
                yield sound, block
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not readable as audio: {error.error_string}") from error
    if is_cut or num_samples < expected != UNKNOWN_LENGTH or num_samples < claimed:
        raise ValueError("the file is truncated: it holds less audio than its header says")
    if not num_samples:
        raise ValueError("the file holds no samples")


def window_length(sound: soundfile.SoundFile) -> int:
    """Samples per channel in WINDOW_SECONDS, or in a block if that is less."""
    return max(1, min(int(WINDOW_SECONDS * sound.samplerate), BLOCK_VALUES // sound.channels))


def _block_length(sound: soundfile.SoundFile) -> int:
    window = window_length(sound)
    return max(1, BLOCK_VALUES // sound.channels // window) * window


def read_span(path: Path, offset_seconds: float, duration_seconds: float) -> tuple[Samples, int]:
    """Samples (N, channels) of a part of a sound file, and its sample rate; the rest is not decoded."""
    try:
        with open_recording(path) as stream, _sound(stream) as sound:
            start = _go_to(sound, round(offset_seconds * sound.samplerate))
            length = round(duration_seconds * sound.samplerate)
            return _read(sound, min(length, sound.frames - start)), sound.samplerate
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not readable as audio: {error.error_string}") from error


def read_recording(path: Path) -> tuple[Samples, int]:
    """Samples (N, channels) of a complete file, and its sample rate; ValueError if it is invalid."""
    num_samples = 0
    with open_recording(path) as stream:
        for sound, block in decode(stream):
            num_samples += len(block)
            sample_rate = sound.samplerate
            if not np.isfinite(block).all():
                raise ValueError(NOT_FINITE)
    return read_span(path, 0.0, num_samples / sample_rate)


def mono(channels: Samples, original_rate: int, sample_rate: int) -> Samples:
    """The mean of the channels (N, channels) at another sample rate: (N',)."""
    samples: Samples = soxr.resample(channels.mean(axis=1), original_rate, sample_rate)
    return samples


class _SoundFile(soundfile.SoundFile):
    """Reads without soundfile's additional seek, which fails at the end of a streamed FLAC."""

    def seekable(self) -> bool:
        return False


def _sound(stream: io.FileIO) -> _SoundFile:
    """Open by descriptor: the name does not decide the format, and threads decode in parallel."""
    stream.seek(0)
    return _SoundFile(stream.fileno(), closefd=False)


def _read(sound: soundfile.SoundFile, num_samples: int) -> Samples:
    samples: Samples = sound.read(num_samples, dtype="float32", always_2d=True)
    return samples


def _go_to(sound: _SoundFile, start: int) -> int:
    """Seek to a sample; decode everything before it where the encoding (GSM 6.10) cannot seek."""
    position = 0
    if soundfile.SoundFile.seekable(sound):
        position = sound.seek(max(0, _sought(sound, start)))
    block_length = _block_length(sound)
    for begin in range(position, start, block_length):
        position += len(_read(sound, min(block_length, start - begin)))
    return position


def _sought(sound: _SoundFile, start: int) -> int:
    """A sample from which decoding gives exactly the same as from the beginning."""
    if sound.format == "MP3":
        return start - int(MP3_MEMORY_SECONDS * sound.samplerate)
    # The stream may end within a page: libsndfile counts back from there, as if the page were complete.
    return min(start, sound.frames - LAST_PAGE) if sound.subtype == "VORBIS" else start


def _claimed_by_nist(stream: io.FileIO) -> int:
    """The number of samples in a NIST header, which libsndfile does not check; else 0."""
    stream.seek(0)
    found = NIST_COUNT.match(stream.read(1024))
    return int(found[1]) if found else 0


def _is_cut_ogg(stream: io.FileIO) -> bool:
    """Whether the last page of an Ogg stream is missing or cut; libsndfile reads a shorter stream."""
    stream.seek(0)
    if stream.read(4) != b"OggS":
        return False
    stream.seek(-min(MAX_OGG_PAGE, stream.seek(0, os.SEEK_END)), os.SEEK_END)
    end = stream.read(MAX_OGG_PAGE)
    page = end[max(0, end.rfind(b"OggS")) :]
    if not page.startswith(b"OggS") or len(page) < 27:
        return True
    num_segments, ends_stream = page[26], page[5] & 4
    return not ends_stream or len(page) < 27 + num_segments + sum(page[27 : 27 + num_segments])
