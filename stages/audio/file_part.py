"""A part of an open file as a file of its own, for libsndfile."""

import io
import os
from abc import abstractmethod


class VirtualFile(io.RawIOBase):
    """Bytes that ``at`` gives, to read and to seek in."""

    place = 0
    size: int

    @abstractmethod
    def at(self, place: int, length: int) -> bytes:
        """At most so many bytes from a place on; at least one, before the end."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: self.size}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        content = self.at(self.place, len(buffer))
        buffer[: len(content)] = content
        self.place += len(content)
        return len(content)


class FilePart(VirtualFile):
    """``size`` bytes of a file, from ``start`` on."""

    def __init__(self, file: io.FileIO, start: int, size: int) -> None:
        self.file, self.start, self.size = file, start, size

    def at(self, place: int, length: int) -> bytes:
        self.file.seek(self.start + place)
        return self.file.read(max(0, min(length, self.size - place)))
