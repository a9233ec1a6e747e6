"""The frames of an MPEG audio file (MP3): where they are, and how many the file claims to have."""

import io
import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from stages.audio.mpeg_frame import DECODER_DELAY, HEADER_BYTES, Frame, Info, Kind, parse, read_info

CHUNK = 2**20  # bytes in memory at a time
LONGEST_FRAME = 2**13  # bytes, and more than any has


@dataclass(frozen=True)
class Stream:
    """Of ``kind``, with a frame's ``header``; where in the file each frame begins, and its bytes.

    ``info`` is the file's own header, where it has one.
    """

    kind: Kind
    header: bytes
    places: "array[int]"
    sizes: "array[int]"
    info: Info

    @property
    def is_cut(self) -> bool:
        """Whether frames are missing; some encoders count the header as one."""
        return self.info.num_frames is not None and len(self.places) < self.info.num_frames - 1

    @property
    def delay(self) -> int:
        """The samples to drop at the beginning."""
        return 0 if self.info.delay is None else self.info.delay + DECODER_DELAY

    @property
    def padding(self) -> int:
        """The samples to drop at the end: of joined files, where they belong to one of them, none."""
        is_one = self.info.num_frames == len(self.places)
        return max(0, self.info.padding - DECODER_DELAY) if is_one else 0

    @property
    def num_samples(self) -> int:
        return len(self.places) * self.kind.num_samples - self.delay - self.padding


def may_be_mpeg(file: io.FileIO) -> bool:
    """By its first bytes, behind tags."""
    file.seek(_after_id3(file))
    return parse(file.read(HEADER_BYTES)) is not None


def read_stream(file: io.FileIO) -> Stream | None:
    """The frames of an open file; None if there are none. ValueError if they are of different kinds."""
    kind: Kind | None = None
    header, info = b"", Info(None, None, 0)
    places, sizes = array("q"), array("H")
    for place, frame, content in _frames(file):
        if kind is None:
            kind, header = frame.kind, content[:HEADER_BYTES]
            if found := read_info(content, kind):
                info = found
                continue
        elif frame.kind != kind:
            raise ValueError(f"the MPEG stream changes at byte {place}: {kind}, then {frame.kind}")
        places.append(place)
        sizes.append(frame.num_bytes)
    return Stream(kind, header, places, sizes, info) if kind and places else None


def _frames(file: io.FileIO) -> Iterator[tuple[int, Frame, bytes]]:
    """Place, header and content of every complete frame; what lies between them is skipped.

    After a gap, a frame counts if another one follows: tags and noise contain what looks like a header.
    """
    size, place, follows = os.fstat(file.fileno()).st_size, _after_id3(file), False
    buffer, start = b"", 0
    while place + HEADER_BYTES <= size:
        if place + 2 * LONGEST_FRAME > start + len(buffer) < size:
            file.seek(place)
            buffer, start = file.read(CHUNK), place
        at = place - start
        frame = parse(buffer[at : at + HEADER_BYTES])
        is_whole = frame is not None and place + frame.num_bytes <= size
        if frame and is_whole and (follows or _continues(buffer, at, frame)):
            yield place, frame, buffer[at : at + frame.num_bytes]
            place, follows = place + frame.num_bytes, True
        else:
            sync = buffer.find(b"\xff", at + 1)
            place, follows = start + (sync if sync >= 0 else len(buffer)), False


def _continues(buffer: bytes, at: int, frame: Frame) -> bool:
    """Whether a frame of the same kind, or the end of the file, follows a frame."""
    following = buffer[at + frame.num_bytes : at + frame.num_bytes + HEADER_BYTES]
    found = parse(following)
    return len(following) < HEADER_BYTES or (found is not None and found.kind == frame.kind)


def _after_id3(file: io.FileIO) -> int:
    """The first byte after the ID3v2 tags at the beginning, whose pictures may contain anything."""
    place = 0
    while True:
        file.seek(place)
        head = file.read(10)
        if len(head) < 10 or not head.startswith(b"ID3"):
            return place
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        place += 10 + size + (10 if head[5] & 0x10 else 0)
