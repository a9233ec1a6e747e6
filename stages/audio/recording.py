"""Audio files: reading them in blocks, whole or in part, and what is wrong with them."""

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

# libsndfile's "data : 31998 (should be 19956)". Not its RIFF line: many writers are wrong there over whole
# audio; not "chunk should be an even number of bytes" either.
SHORTER_CHUNK = re.compile(r"^ *(?:data|SSND|riff|Data Size) *: \d+ \(should be \d+\)", re.MULTILINE)
BLOCK_VALUES = 2**17  # samples of all channels; a header that lies about their number costs no memory
WINDOW_SECONDS = 0.1  # blocks are whole windows, but for the last one
UNKNOWN_LENGTH = 2**63 - 1  # libsndfile's, of a FLAC that was streamed
# Twice the largest WAV of 16 bits; what a few bytes unpack to is not waited for any longer.
MAX_VALUES = 2**32
MP3_MEMORY_SECONDS = 1.0  # frames take bits of earlier ones, at the lowest rates of the last 0.4 s
# Vorbis's last page is of 255 packets at most, and a packet of 4096 samples at most of each channel.
LAST_PAGE = 2**20
NIST_COUNT = re.compile(rb"^NIST_1A\n.*\nsample_count -i (\d+)\n.*end_head", re.DOTALL)
NOT_FINITE = "the file holds NaN or infinite samples"
MAX_OGG_PAGE = 27 + 255 + 255 * 255  # bytes

Samples = np.ndarray[Any, np.dtype[np.float32]]


def write_recording(path: Path, samples: np.ndarray[Any, np.dtype[Any]], sample_rate: int) -> None:
    """A FLAC of 16 bits; OSError, with its reason, where the disk does not take it."""
    content = io.BytesIO()
    soundfile.write(content, samples, sample_rate, format="FLAC", subtype="PCM_16")
    path.write_bytes(content.getvalue())


def open_recording(path: Path) -> io.FileIO:
    """A file to read, unbuffered; ValueError with the reason why it cannot be one."""
    try:
        # Without O_NONBLOCK, a pipe's open waits for its writer, for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise ValueError(f"cannot read the file: {error.strerror}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        os.close(descriptor)
        raise ValueError("the file is empty" if stat.S_ISREG(status.st_mode) else "no regular file")
    return io.FileIO(descriptor)


def decode(stream: io.FileIO) -> Iterator[tuple[soundfile.SoundFile, Samples]]:
    """An open file's samples, all of them, in blocks (n, channels); ``SoundFile`` says of what kind it is.

    ValueError when the file is damaged, no audio, holds no samples, or so many that nobody waits for them.
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
    """Samples of each channel in WINDOW_SECONDS, or in a block where that is less."""
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
    """Samples (N, channels) of a whole file, and its sample rate; ValueError when it is not sound."""
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
    """Reads on without the seek that soundfile adds to every read: it fails at the end of a streamed FLAC."""

    def seekable(self) -> bool:
        return False


def _sound(stream: io.FileIO) -> _SoundFile:
    """By its descriptor: the name does not decide what it is, and threads decode side by side."""
    stream.seek(0)
    return _SoundFile(stream.fileno(), closefd=False)


def _read(sound: soundfile.SoundFile, num_samples: int) -> Samples:
    samples: Samples = sound.read(num_samples, dtype="float32", always_2d=True)
    return samples


def _go_to(sound: _SoundFile, start: int) -> int:
    """To a sample of each channel; through all before it where a coding (GSM 6.10) knows no other way."""
    position = 0
    if soundfile.SoundFile.seekable(sound):
        position = sound.seek(max(0, _sought(sound, start)))
    block_length = _block_length(sound)
    for begin in range(position, start, block_length):
        position += len(_read(sound, min(block_length, start - begin)))
    return position


def _sought(sound: _SoundFile, start: int) -> int:
    """A sample from which reading on gives exactly what a reading from the beginning does."""
    if sound.format == "MP3":
        return start - int(MP3_MEMORY_SECONDS * sound.samplerate)
    # The stream may end within a page: libsndfile counts back from there, as if all of the page were heard.
    return min(start, sound.frames - LAST_PAGE) if sound.subtype == "VORBIS" else start


def _claimed_by_nist(stream: io.FileIO) -> int:
    """The number of samples in a NIST header, which libsndfile does not compare with what follows; else 0."""
    stream.seek(0)
    found = NIST_COUNT.match(stream.read(1024))
    return int(found[1]) if found else 0


def _is_cut_ogg(stream: io.FileIO) -> bool:
    """Whether the last page of an Ogg stream is absent or cut; libsndfile takes it for a shorter stream."""
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
