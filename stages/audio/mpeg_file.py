"""An MPEG audio stream as a file from which libsndfile decodes every frame.

libsndfile estimates the length of a stream without a Xing header, and stops at its estimate. Of joined files
it takes the first header for all of them. And it seeks to about the right place. So it gets the frames from
the one that is needed on, behind a header with their number.
"""

import io
from collections.abc import Iterator

from stages.audio.file_part import VirtualFile
from stages.audio.mpeg_frame import DECODER_DELAY, longest, main_data, write_info
from stages.audio.mpeg_stream import Stream

RESERVOIR = 511  # bytes of earlier frames that a frame may use
SETTLING_FRAMES = 3  # after which nothing is left of what the decoder began with


class MpegFile(VirtualFile):
    """Of layer III. It begins with the sample ``begin`` of the stream, shortly before ``start``."""

    def __init__(self, file: io.FileIO, stream: Stream, start: int = 0) -> None:
        self.file, self.stream = file, stream
        length = stream.kind.num_samples
        first = max(0, min(start + stream.delay, stream.num_samples) // length - SETTLING_FRAMES)
        self.begin = first * length - stream.delay if first else 0
        self.pieces = list(_pieces(stream, first))
        self.preface = self._preface(first)
        self.size = len(self.preface) + sum(size for _, size in self.pieces)

    def at(self, place: int, length: int) -> bytes:
        if place < len(self.preface):
            return self.preface[place : place + length]
        place -= len(self.preface)
        for start, size in self.pieces:
            if place < size:
                self.file.seek(start + place)
                return self.file.read(min(length, size - place))
            place -= size
        return b""

    def _preface(self, first: int) -> bytes:
        """The header; where the encoder's delay is not to be dropped, with a silent frame, which makes up for
        what the decoder drops, and holds the bytes of earlier frames that the first one may use.
        """
        stream, kind = self.stream, self.stream.kind
        num_frames, padding = len(stream.places) - first, stream.padding + DECODER_DELAY
        if first == 0 and stream.info.delay is not None:
            return write_info(stream.header, kind, num_frames, stream.info.delay, padding)
        silence = longest(stream.header, bytes(kind.side_bytes), self._reservoir(first))
        delay = kind.num_samples - DECODER_DELAY
        return write_info(stream.header, kind, num_frames + 1, delay, padding) + silence

    def _reservoir(self, first: int) -> bytes:
        """The last bytes of main data before a frame."""
        found = b""
        while first and len(found) < RESERVOIR:
            first -= 1
            self.file.seek(self.stream.places[first])
            found = main_data(self.file.read(self.stream.sizes[first]), self.stream.kind) + found
        return found[-RESERVOIR:] if self.stream.kind.version == 3 else found[-(RESERVOIR // 2) :]


def _pieces(stream: Stream, first: int) -> Iterator[tuple[int, int]]:
    """Runs of frames without a gap, from a frame on: the first byte, and the number of bytes."""
    start = end = stream.places[first]
    for place, size in zip(stream.places[first:], stream.sizes[first:], strict=True):
        if place != end:
            yield start, end - start
            start = place
        end = place + size
    yield start, end - start
