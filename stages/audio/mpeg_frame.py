"""Frames of MPEG audio, and the header with their number that LAME and others write as the first one.

ISO 11172-3 and 13818-3 define the frames; gabriel.mp3-tech.org/mp3infotag.html describes the header.
"""

from dataclasses import dataclass

HEADER_BYTES = 4
DECODER_DELAY = 529  # samples that decoders drop at the beginning, beside the encoder's delay
LAME_BYTES = 24  # of LAME's part of the header, up to the delays
MONO, MPEG_1, LAYER_III = 3, 3, 1  # as a frame writes them
SAMPLE_RATES = {MPEG_1: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
KILOBITS = {  # per second, by MPEG-1 or not, and layer: 3 is layer I
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@dataclass(frozen=True)
class Kind:
    """What is the same in all frames of a stream."""

    version: int
    layer: int
    sample_rate: int
    is_mono: bool

    def __str__(self) -> str:
        return f"{self.sample_rate} Hz, {'one channel' if self.is_mono else 'two channels'}"

    @property
    def num_samples(self) -> int:
        """Per channel in a frame."""
        if self.layer == 3:
            return 384
        return 576 if self.layer == LAYER_III and self.version != MPEG_1 else 1152

    @property
    def side_bytes(self) -> int:
        """Of layer III's side information, which follows the header."""
        if self.version == MPEG_1:
            return 17 if self.is_mono else 32
        return 9 if self.is_mono else 17


@dataclass(frozen=True)
class Frame:
    """What a frame's header says."""

    kind: Kind
    num_bytes: int


@dataclass(frozen=True)
class Info:
    """The number of frames that a file claims, and the samples that the encoder added at both ends."""

    num_frames: int | None
    delay: int | None
    padding: int


def parse(header: bytes) -> Frame | None:
    """A frame by its first four bytes; None if they begin no frame, or one of free format."""
    if len(header) < HEADER_BYTES or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, place = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 0 or bit_rate in (0, 15) or place == 3:
        return None
    kind = Kind(version, layer, SAMPLE_RATES[version][place], header[3] >> 6 == MONO)
    bits, padding = KILOBITS[version == MPEG_1, layer][bit_rate - 1] * 1000, header[2] >> 1 & 1
    if layer == 3:
        return Frame(kind, (12 * bits // kind.sample_rate + padding) * 4)
    return Frame(kind, kind.num_samples // 8 * bits // kind.sample_rate + padding)


def main_data(content: bytes, kind: Kind) -> bytes:
    """What a frame of layer III has beside its header, checksum and side information."""
    has_checksum = not content[1] & 1
    return content[HEADER_BYTES + 2 * has_checksum + kind.side_bytes :]


def read_info(content: bytes, kind: Kind) -> Info | None:
    """Of a frame that is no audio but the file's header; else None."""
    if content[36:40] == b"VBRI":  # Fraunhofer's
        return Info(int.from_bytes(content[50:54], "big"), None, 0)
    at = HEADER_BYTES + kind.side_bytes
    if kind.layer != LAYER_III or content[at : at + 4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(content[at + 4 : at + 8], "big")
    claimed = int.from_bytes(content[at + 8 : at + 12], "big") if flags & 1 else None
    end = at + 8 + sum(length for bit, length in enumerate((4, 4, 100, 4)) if flags >> bit & 1)
    lame = content[end : end + LAME_BYTES]
    if lame[:4] not in (b"LAME", b"Lavc", b"Lavf"):
        return Info(claimed, None, 0)
    delays = int.from_bytes(lame[-3:], "big")
    return Info(claimed, delays >> 12, delays & 0xFFF)


def write_info(header: bytes, kind: Kind, num_frames: int, delay: int, padding: int) -> bytes:
    """A frame of layer III that says how many frames follow, and what to drop at both ends."""
    told = b"Info" + (1).to_bytes(4, "big") + num_frames.to_bytes(4, "big")
    told += b"LAME3.100".ljust(LAME_BYTES - 3, b"\0") + (delay << 12 | padding).to_bytes(3, "big")
    return longest(header, bytes(kind.side_bytes) + told)


def longest(header: bytes, content: bytes, at_end: bytes = b"") -> bytes:
    """A frame of the highest bit rate, without a checksum, with this content and zeros behind it."""
    header = bytes([0xFF, header[1] | 1, header[2] & 0x0C | 0xE0, header[3]])
    frame = parse(header)
    assert frame is not None
    return (header + content).ljust(frame.num_bytes - len(at_end), b"\0") + at_end
