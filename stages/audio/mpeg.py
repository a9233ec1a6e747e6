"""MPEG audio streams (MP3) as a decoder should get them: every frame, behind a header with their true number.

libsndfile estimates the length of a stream without such a header, and reads no further than its estimate; of
joined files it takes the first header for the length of all. See ISO 11172-3 and 13818-3 for the frames, and
gabriel.mp3-tech.org/mp3infotag.html for the header.
"""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass

HEADER_BYTES = 4
DECODER_DELAY = 529  # samples that libmpg123 drops at the beginning, beside the delay of the encoder
MONO = 3
CHUNK = 2**20  # bytes of the file in memory at a time
LAME_BYTES = 36
SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version
KILOBITS = {  # a second, by MPEG-1 or not, and layer: 3 is layer I
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@dataclass(frozen=True)
class Frame:
    """What the header of a frame says; ``kind`` is the same in all frames of a stream."""

    num_bytes: int
    num_samples: int
    kind: tuple[int, int, int, bool]  # version, layer, sample rate, mono


@dataclass(frozen=True)
class Stream:
    """The ``pieces`` of a file that hold frames (first byte, bytes), and what goes before them.

    ``claimed`` is the number of frames in the file's own header, None where it has none, and ``num_frames``
    the true one, without that header.
    """

    preface: bytes
    pieces: tuple[tuple[int, int], ...]
    num_frames: int
    claimed: int | None


def parse(header: bytes) -> Frame | None:
    """A frame by its first four bytes; None where they begin none, or one of free format."""
    if len(header) < HEADER_BYTES or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    rate, place = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 0 or rate in (0, 15) or place == 3:
        return None
    is_first = version == 3
    sample_rate = SAMPLE_RATES[version][place]
    bits, padding = KILOBITS[is_first, layer][rate - 1] * 1000, header[2] >> 1 & 1
    kind = (version, layer, sample_rate, header[3] >> 6 == MONO)
    if layer == 3:
        return Frame((12 * bits // sample_rate + padding) * 4, 384, kind)
    num_samples = 576 if layer == 1 and not is_first else 1152
    return Frame(num_samples // 8 * bits // sample_rate + padding, num_samples, kind)


def read_stream(file: io.FileIO) -> Stream | None:
    """The frames of an open file; None where it holds none. ValueError where they are of several kinds."""
    first: tuple[Frame, bytes] | None = None
    pieces: list[list[int]] = []
    num_frames, claimed, lame = 0, None, b""
    for place, frame, content in _frames(file):
        if first is None:
            first = frame, content[:HEADER_BYTES]
            if found := _info(frame, content):
                claimed, lame = found
                continue
        elif frame.kind != first[0].kind:
            raise ValueError(f"the stream changes at byte {place}: {_named(first[0])}, then {_named(frame)}")
        num_frames += 1
        if pieces and sum(pieces[-1]) == place:
            pieces[-1][1] += frame.num_bytes
        else:
            pieces.append([place, frame.num_bytes])
    if first is None or not num_frames:
        return None
    preface = _preface(*first, num_frames, lame)
    return Stream(preface, tuple((start, length) for start, length in pieces), num_frames, claimed)


class StreamFile(io.RawIOBase):
    """The preface and the pieces of a stream as one file, to read and to seek in."""

    def __init__(self, file: io.FileIO, stream: Stream) -> None:
        self.file, self.preface, self.pieces = file, stream.preface, stream.pieces
        self.size = len(stream.preface) + sum(length for _, length in stream.pieces)
        self.place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: self.size}[whence]
        self.place = max(0, start + offset)
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        content = self._at(self.place, len(buffer))
        buffer[: len(content)] = content
        self.place += len(content)
        return len(content)

    def _at(self, place: int, length: int) -> bytes:
        if place < len(self.preface):
            return self.preface[place : place + length]
        place -= len(self.preface)
        for start, size in self.pieces:
            if place < size:
                self.file.seek(start + place)
                return self.file.read(min(length, size - place))
            place -= size
        return b""


def _frames(file: io.FileIO) -> Iterator[tuple[int, Frame, bytes]]:
    """Place, header and beginning of every whole frame; what stands between them is skipped.

    Where a frame does not follow another one, two must follow each other: tags and noise hold what looks
    like a header.
    """
    file.seek(0)
    buffer, start, place, follows = b"", 0, 0, False
    size = os.fstat(file.fileno()).st_size
    place = _after_id3(file)
    while place + HEADER_BYTES <= size:
        if place + 2 * 2**13 > start + len(buffer) and start + len(buffer) < size:
            file.seek(place)
            buffer, start = file.read(CHUNK), place
        at = place - start
        frame = parse(buffer[at : at + HEADER_BYTES])
        if (
            frame
            and place + frame.num_bytes <= size
            and (follows or _goes_on(buffer, at, frame, place, size))
        ):
            yield place, frame, buffer[at : at + frame.num_bytes]
            place, follows = place + frame.num_bytes, True
            continue
        follows = False
        skipped = buffer.find(b"\xff", at + 1)
        place = start + (skipped if skipped >= 0 else len(buffer))


def _goes_on(buffer: bytes, at: int, frame: Frame, place: int, size: int) -> bool:
    """Whether a frame of the same kind, or the end of the file, follows one."""
    if place + frame.num_bytes >= size - HEADER_BYTES:
        return True
    following = parse(buffer[at + frame.num_bytes : at + frame.num_bytes + HEADER_BYTES])
    return following is not None and following.kind == frame.kind


def _after_id3(file: io.FileIO) -> int:
    """The first byte after the ID3v2 tags at the beginning, whose pictures may hold anything."""
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


def _named(frame: Frame) -> str:
    _, _, sample_rate, mono = frame.kind
    return f"{sample_rate} Hz, {'one channel' if mono else 'two channels'}"


def _side_bytes(frame: Frame) -> int:
    """Of the side information of layer III, behind which the header with the number of frames stands."""
    version, _, _, mono = frame.kind
    return ((17 if mono else 32) if version == 3 else (9 if mono else 17)) + HEADER_BYTES


def _info(frame: Frame, content: bytes) -> tuple[int | None, bytes] | None:
    """The number of frames, and LAME's own part, of a first frame that is no audio but such a header."""
    place = _side_bytes(frame)
    if frame.kind[1] != 1 or content[place : place + 4] not in (b"Xing", b"Info"):
        return (None, b"") if content[36:40] == b"VBRI" else None
    flags = int.from_bytes(content[place + 4 : place + 8], "big")
    end = place + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    claimed = int.from_bytes(content[place + 8 : place + 12], "big") if flags & 1 else None
    lame = content[end : end + LAME_BYTES]
    return claimed, lame if lame[:4] in (b"LAME", b"Lavc", b"Lavf") else b""


def _preface(frame: Frame, header: bytes, num_frames: int, lame: bytes) -> bytes:
    """A frame that says how many follow. The encoder's delay is LAME's; without one nothing is to be dropped,
    and a silent frame makes up for the decoder's delay. What is dropped at the end is for one file alone.
    """
    if frame.kind[1] != 1:
        return b""
    header = bytes([0xFF, header[1] | 1, header[2] & 0x0C | 0xE0, header[3]])  # the longest, no checksum
    longest = parse(header)
    assert longest is not None
    if lame:
        delay, silence = int.from_bytes(lame[21:24], "big") >> 12, b""
    else:
        delay, silence = frame.num_samples - DECODER_DELAY, header.ljust(longest.num_bytes, b"\0")
        num_frames += 1
    told = b"Info" + (1).to_bytes(4, "big") + num_frames.to_bytes(4, "big")
    told += b"LAME3.100".ljust(21, b"\0") + (delay << 12 | DECODER_DELAY).to_bytes(3, "big")
    info = header + bytes(_side_bytes(frame) - HEADER_BYTES) + told
    return info.ljust(longest.num_bytes, b"\0") + silence
