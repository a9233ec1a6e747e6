"""Reads audio files in blocks, completely or in part, and detects damaged ones."""

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from stages.audio import ogg
from stages.audio.file_part import FilePart
from stages.audio.sound_file import Layout, SoundFile, known_layout, open_sound, open_sounds

# libsndfile's "data : 31998 (should be 19956)". Not its RIFF line, where many writers are wrong although the
# audio is complete; not "chunk should be an even number of bytes" either.
SHORTER_CHUNK = re.compile(r"^ *(?:data|SSND|riff|Data Size) *: (\d+) \(should be \d+\)", re.MULTILINE)
# A file from a pipe does not know its length: 0, or a number near 2^31 or 2^32 (sox: 0x7F000000).
UNKNOWN_CHUNKS = (range(1), range(2**31 - 2**24, 2**31 + 1), range(2**32 - 2**24, 2**32))
BLOCK_VALUES = 2**17  # samples of all channels; a wrong number in the header costs no memory
WINDOW_SECONDS = 0.1  # all blocks but the last are multiples of it
UNKNOWN_LENGTH = 2**63 - 1  # libsndfile's value for a streamed FLAC
# Twice the largest 16-bit WAV; stops files of a few bytes that decode to endless audio.
MAX_VALUES = 2**32
# The last page of Vorbis has at most 255 packets, a packet at most 4096 samples per channel.
LAST_PAGE = 2**20
NIST_COUNT = re.compile(rb"^NIST_1A\n.*\nsample_count -i (\d+)\n.*end_head", re.DOTALL)
NOT_FINITE = "the file holds NaN or infinite samples"

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
    num_samples, claimed, is_cut = 0, _claimed_by_nist(stream), ogg.is_cut(stream)
    with _readable():
        for sound in open_sounds(stream, Layout.of(stream)):
            with sound:
                before = num_samples
                for block in _blocks(sound):
                    num_samples += len(block)
                    if num_samples * sound.channels > MAX_VALUES:
                        raise ValueError(f"more than {MAX_VALUES} samples in all channels: cut the recording")
                    yield sound, block
                is_cut |= sound.is_cut or _is_shorter_chunk(sound.extra_info)
                is_cut |= num_samples - before < sound.frames != UNKNOWN_LENGTH
    if is_cut or num_samples < claimed:
        raise ValueError("the file is truncated: it holds less audio than its header says")
    if not num_samples:
        raise ValueError("the file holds no samples")


def _blocks(sound: soundfile.SoundFile) -> Iterator[Samples]:
    rest, length = sound.frames, _block_length(sound)
    while len(block := _read(sound, min(length, rest))):
        rest -= len(block)
        yield block


def window_length(sound: soundfile.SoundFile) -> int:
    """Samples per channel in WINDOW_SECONDS, or in a block if that is less."""
    return max(1, min(int(WINDOW_SECONDS * sound.samplerate), BLOCK_VALUES // sound.channels))


def _block_length(sound: soundfile.SoundFile) -> int:
    window = window_length(sound)
    return max(1, BLOCK_VALUES // sound.channels // window) * window


def read_span(path: Path, offset_seconds: float, duration_seconds: float) -> tuple[Samples, int]:
    """Samples (N, channels) of a part of a sound file, and its sample rate; the rest is not decoded."""
    with open_recording(path) as stream, _readable():
        layout = known_layout(path, stream)
        if layout.joined:
            return _read_joined(stream, layout.joined, offset_seconds, duration_seconds)
        with open_sound(stream, layout, offset_seconds) as sound:
            start = _go_to(sound, round(offset_seconds * sound.samplerate) - sound.begin)
            length = round(duration_seconds * sound.samplerate)
            return _read(sound, min(length, sound.frames - start)), sound.samplerate


def _read_joined(
    stream: io.FileIO, parts: list[tuple[int, int]], offset_seconds: float, duration_seconds: float
) -> tuple[Samples, int]:
    """The same of files that were joined to one."""
    found: list[Samples] = []
    begin = 0
    for part in parts:
        with SoundFile(FilePart(stream, *part)) as sound:
            offset, length = (round(s * sound.samplerate) for s in (offset_seconds, duration_seconds))
            start, end = (min(max(0, at - begin), sound.frames) for at in (offset, offset + length))
            if start < end or not found:
                found.append(_read(sound, end - _go_to(sound, start)))
            begin += sound.frames
    return np.concatenate(found), sound.samplerate


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


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not readable as audio: {error.error_string}") from error


def _read(sound: soundfile.SoundFile, num_samples: int) -> Samples:
    samples: Samples = sound.read(num_samples, dtype="float32", always_2d=True)
    return samples


def _go_to(sound: SoundFile, start: int) -> int:
    """Seek to a sample; decode everything before it where the encoding (GSM 6.10) cannot seek."""
    position = 0
    if soundfile.SoundFile.seekable(sound):
        position = sound.seek(max(0, _sought(sound, start)))
    block_length = _block_length(sound)
    for begin in range(position, start, block_length):
        position += len(_read(sound, min(block_length, start - begin)))
    return position


def _sought(sound: SoundFile, start: int) -> int:
    """A sample from which decoding gives exactly the same as from the beginning."""
    if sound.format == "MP3":
        return 0
    # The stream may end within a page: libsndfile counts back from there, as if the page were complete.
    return min(start, sound.frames - LAST_PAGE) if sound.subtype == "VORBIS" else start


def _is_shorter_chunk(log: str) -> bool:
    """Whether libsndfile's log tells of a chunk that is shorter than its header says."""
    found = (int(match[1]) for match in SHORTER_CHUNK.finditer(log))
    return any(not any(length in unknown for unknown in UNKNOWN_CHUNKS) for length in found)


def _claimed_by_nist(stream: io.FileIO) -> int:
    """The number of samples in a NIST header, which libsndfile does not check; else 0."""
    stream.seek(0)
    found = NIST_COUNT.match(stream.read(1024))
    return int(found[1]) if found else 0
