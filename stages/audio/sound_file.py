"""Open files as libsndfile reads them to their end: MP3, joined files, and files from a pipe too."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import soundfile

from stages.audio import ogg
from stages.audio.file_part import FilePart
from stages.audio.mpeg_file import MpegFile
from stages.audio.mpeg_frame import LAYER_III
from stages.audio.mpeg_stream import Stream, may_be_mpeg, read_stream
from stages.audio.piped import with_length


class SoundFile(soundfile.SoundFile):
    """Reads without soundfile's additional seek, which fails at the end of a streamed FLAC."""

    begin = 0  # the sample of the recording with which it begins
    is_cut = False  # whether it is shorter than its header says, where libsndfile does not know that

    def seekable(self) -> bool:
        return False


@dataclass(frozen=True)
class Layout:
    """Where in a file its audio is: the files that were ``joined``, or the frames of an MP3."""

    joined: list[tuple[int, int]]
    mpeg: Stream | None

    @classmethod
    def of(cls, stream: io.FileIO) -> "Layout":
        streams = ogg.streams(stream)
        mpeg = read_stream(stream) if may_be_mpeg(stream) else None
        return cls(
            streams if len(streams) > 1 else [], mpeg if mpeg and mpeg.kind.layer == LAYER_III else None
        )


class _Opened:
    """An open file, equal to the same file opened again. Its inode does not tell: a new file may have it."""

    def __init__(self, path: Path, stream: io.FileIO) -> None:
        status = os.fstat(stream.fileno())
        self.key, self.stream = (path.absolute(), status.st_size, status.st_mtime_ns), stream

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Opened) and self.key == other.key


def known_layout(path: Path, stream: io.FileIO) -> Layout:
    """That of a file which is opened again for each of its spans: a long one is searched once."""
    return _known(_Opened(path, stream))


@lru_cache(maxsize=4)
def _known(opened: _Opened) -> Layout:
    return Layout.of(opened.stream)


def open_sounds(stream: io.FileIO, layout: Layout) -> Iterator[SoundFile]:
    """What an open file holds, one after the other where several were joined."""
    if not layout.joined:
        yield open_sound(stream, layout)
    kinds = set()
    for part in layout.joined:
        sound = SoundFile(FilePart(stream, *part))
        kinds.add((sound.samplerate, sound.channels))
        if len(kinds) > 1:
            raise ValueError(f"joined files with different sample rates or channels: {sorted(kinds)}")
        yield sound


def open_sound(stream: io.FileIO, layout: Layout, offset_seconds: float = 0.0) -> SoundFile:
    """Open by descriptor: the name does not decide the format, and threads decode in parallel. Of MP3 only
    what ``offset_seconds`` needs.
    """
    if mpeg := layout.mpeg:
        content = MpegFile(stream, mpeg, round(offset_seconds * mpeg.kind.sample_rate))
        sound = SoundFile(content)
        sound.begin, sound.is_cut = content.begin, mpeg.is_cut
        return sound
    if piped := with_length(stream):
        return SoundFile(piped)
    stream.seek(0)
    return SoundFile(stream.fileno(), closefd=False)
