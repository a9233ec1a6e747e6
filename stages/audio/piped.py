"""Files that were written into a pipe: their headers cannot know the length, and libsndfile takes 0 for it.

EBU Tech 3306 describes RF64, and Apple's specification the Core Audio Format (CAF).
"""

import io
import os
from collections.abc import Iterator

from stages.audio.file_part import VirtualFile

CHUNK_HEADER = 8
MAX_CHUNKS = 1000  # a file of zeros has millions


class PipedFile(VirtualFile):
    """A file in which ``length``, that of its samples in bytes, stands at ``place``."""

    def __init__(self, file: io.FileIO, place: int, length: bytes) -> None:
        self.file, self.where, self.length = file, place, length
        self.size = os.fstat(file.fileno()).st_size

    def at(self, place: int, length: int) -> bytes:
        self.file.seek(place)
        content = bytearray(self.file.read(length))
        first, last = max(place, self.where), min(place + len(content), self.where + len(self.length))
        if first < last:
            content[first - place : last - place] = self.length[first - self.where : last - self.where]
        return bytes(content)


def with_length(file: io.FileIO) -> PipedFile | None:
    """The file with the length that it has; None if its header says one, or it is of another format."""
    file.seek(0)
    head = file.read(12)
    size = os.fstat(file.fileno()).st_size
    if head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE":
        return _wave(file, size, is_rf64=head[:4] == b"RF64")
    return _caf(file, size) if head[:4] == b"caff" else None


def _wave(file: io.FileIO, size: int, is_rf64: bool) -> PipedFile | None:
    long_place = None
    for place, name, length in _chunks(file, 12, size):
        begin = place + CHUNK_HEADER
        if name == b"ds64" and is_rf64:
            file.seek(begin + 8)  # behind the length of the file
            long_place = begin + 8 if not int.from_bytes(file.read(8), "little") else None
        if name == b"data" and long_place:
            return PipedFile(file, long_place, (size - begin).to_bytes(8, "little"))
        if name == b"data" and not length and begin < size and not [*_chunks(file, begin, size)]:
            return PipedFile(file, place + 4, min(size - begin, 2**32 - 1).to_bytes(4, "little"))
    return None


def _caf(file: io.FileIO, size: int) -> PipedFile | None:
    for place, name, length in _chunks(file, 8, size, is_caf=True):
        if name == b"data" and length == 2**64 - 1:
            return PipedFile(file, place + 4, (size - place - 12).to_bytes(8, "big"))
    return None


def _chunks(file: io.FileIO, place: int, size: int, is_caf: bool = False) -> Iterator[tuple[int, bytes, int]]:
    """Place, name and length of each, up to one that no name begins."""
    num_bytes = 8 if is_caf else 4
    for _ in range(MAX_CHUNKS):
        file.seek(place)
        header = file.read(4 + num_bytes)
        name = header[:4]
        if len(header) < 4 + num_bytes or not name.isascii() or not name.decode().isprintable():
            return
        length = int.from_bytes(header[4:], "big" if is_caf else "little")
        yield place, name, length
        place += 4 + num_bytes + length + (0 if is_caf else length & 1)
