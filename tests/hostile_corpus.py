"""Damaged, odd and hostile files and rows, each with its fate: see KINDS."""

import io
import os
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

HERTZ = 1000.0
SECONDS = 0.5
ADMITTED = ""
NO_AUDIO = "not readable as audio"
CUT = "the file is truncated"


@dataclass(frozen=True)
class Kind:
    """A row whose file is made by ``make`` (None: there is none), and the reason for which it is rejected."""

    make: Callable[[], bytes] | None
    fate: str
    name: str = "a.wav"
    row: dict[str, Any] = field(default_factory=dict)


def tone(
    container: str = "WAV", subtype: str | None = "PCM_16", rate: int = 16000, channels: int = 1, **how: Any
) -> bytes:
    samples = 0.5 * np.sin(2 * np.pi * HERTZ * np.arange(int(rate * SECONDS)) / rate)
    return encoded(np.repeat(samples[:, None], channels, 1), container, subtype, rate, **how)


def encoded(
    samples: Any, container: str = "WAV", subtype: str | None = None, rate: int = 16000, **how: Any
) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=container, subtype=subtype, **how)
    return stream.getvalue()


def lying(offset: int, form: str, value: int) -> bytes:
    """A WAV whose header says something else at an offset."""
    content = bytearray(tone())
    struct.pack_into(form, content, offset, value)
    return bytes(content)


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", bytes(10**7))
    return stream.getvalue()


def silence(hours: float, container: str, subtype: str | None, rate: int = 8000) -> bytes:
    """Few bytes, many hours."""
    stream = io.BytesIO()
    with soundfile.SoundFile(stream, "w", rate, 1, subtype, format=container) as sound:
        for _ in range(int(hours * 6)):
            sound.write(np.zeros(rate * 600, np.float32))
    return stream.getvalue()


def with_sample(value: float) -> bytes:
    samples = np.zeros(8000, np.float32)
    samples[4000] = value
    return encoded(samples, subtype="FLOAT")


def of(container: str, subtype: str | None = None, rate: int = 16000, channels: int = 1, **how: Any) -> Kind:
    """A recording as people have them: every one of these is taken."""
    return Kind(lambda: tone(container, subtype, rate, channels, **how), ADMITTED)


def rejected(make: Callable[[], bytes] | None, fate: str) -> Kind:
    return Kind(make, fate)


def called(name: str) -> Kind:
    return Kind(tone, ADMITTED, name)


def saying(text: str, fate: str = ADMITTED) -> Kind:
    return Kind(tone, fate, row={"text": text})


def spanning(fate: str, **row: Any) -> Kind:
    return Kind(tone, fate, row=row)


FORMATS = {
    "wav of 8 bits": of("WAV", "PCM_U8"), "wav of 24 bits": of("WAV", "PCM_24"),
    "wav of 32 bits": of("WAV", "PCM_32"), "wav of floats": of("WAV", "FLOAT"),
    "wav of doubles": of("WAV", "DOUBLE"), "wav, mu-law": of("WAV", "ULAW"), "wav, a-law": of("WAV", "ALAW"),
    "wav, IMA ADPCM": of("WAV", "IMA_ADPCM"), "wav, MS ADPCM": of("WAV", "MS_ADPCM"),
    "wav, GSM 6.10": of("WAV", "GSM610", 8000), "wav, extensible": of("WAVEX", "PCM_24"),
    "RF64": of("RF64", "PCM_16"), "aiff": of("AIFF", "PCM_16"), "w64": of("W64", "PCM_24"),
    "caf": of("CAF", "PCM_16"), "caf, ALAC": of("CAF", "ALAC_16"), "NIST sphere": of("NIST", "PCM_16"),
    "NIST sphere, mu-law": of("NIST", "ULAW"), "flac of 24 bits": of("FLAC", "PCM_24"),
    "ogg vorbis": of("OGG", "VORBIS"), "ogg opus": of("OGG", "OPUS"),
    "mp3": of("MP3"), "mp3 of varying bit rate": of("MP3", bitrate_mode="VARIABLE", compression_level=0.5),
    "mp3 behind ID3 tags": Kind(lambda: b"ID3\3\0\0\0\0\x07\x76" + bytes(1014) + tone("MP3", None), ADMITTED),
    "mp3 before an ID3v1 tag": Kind(lambda: tone("MP3", None) + b"TAG" + bytes(125), ADMITTED),
    "wav behind ID3 tags": Kind(lambda: b"ID3\3\0\0\0\0\0\x0a" + bytes(10) + tone(), ADMITTED),
    "stereo": of("WAV", "PCM_16", channels=2), "six channels": of("FLAC", "PCM_16", channels=6),
    "eight channels": of("WAV", "PCM_16", channels=8),
    "a hundred channels": of("WAV", "PCM_16", channels=100),
    **{f"{rate} Hz": of("WAV", "PCM_16", rate) for rate in (8000, 11025, 22050, 44100, 48000, 96000, 192000)},
}  # fmt: skip

FILES = {
    "hours of silence in a small flac": rejected(lambda: silence(4, "FLAC", "PCM_16"), "more audio than"),
    "hours of silence in a small mp3": rejected(lambda: silence(1.2, "MP3", None), "more audio than"),
    "claims 2^31 bytes, as from a pipe": Kind(lambda: lying(40, "<I", 2**31), ADMITTED),
    "claims as many bytes as it can, as from a pipe": Kind(lambda: lying(40, "<I", 2**32 - 1), ADMITTED),
    "claims no bytes, as from a pipe": Kind(lambda: lying(40, "<I", 0), ADMITTED),
    "claims 2^30 bytes": rejected(lambda: lying(40, "<I", 2**30), CUT),
    "claims half of its bytes": Kind(lambda: lying(40, "<I", 8000), ADMITTED),
    "claims 2^31 samples, sphere": rejected(
        lambda: tone("NIST").replace(b"-i 8000", b"-i 2147483648"), CUT
    ),
    "claims a header of 2^31 bytes": rejected(lambda: lying(16, "<I", 2**31), NO_AUDIO),
    "claims 1 Hz": rejected(lambda: lying(24, "<I", 1), "a sample rate of 1 Hz, expected 1000 to 768000"),
    "claims 2 GHz": rejected(lambda: lying(24, "<I", 2 * 10**9), "a sample rate of 2000000000 Hz"),
    "claims 4 GHz": rejected(lambda: lying(24, "<I", 4 * 10**9), NO_AUDIO),
    "claims 0 Hz": rejected(lambda: lying(24, "<I", 0), NO_AUDIO),
    "claims no channel": rejected(lambda: lying(22, "<H", 0), NO_AUDIO),
    "claims 65535 channels": rejected(lambda: lying(22, "<H", 65535), NO_AUDIO),
    "claims 1024 channels": rejected(lambda: lying(22, "<H", 1024), "less audio than 0.025 s"),
    "claims 0 bits": rejected(lambda: lying(34, "<H", 0), NO_AUDIO),
    "claims an unknown coding": rejected(lambda: lying(20, "<H", 0x161), NO_AUDIO),
    "shorten in a sphere": rejected(
        lambda: tone("NIST").replace(b"-s3 pcm", b"-s26 pcm,embedded-shorten-v2.00"), NO_AUDIO
    ),
    "truncated sphere": rejected(lambda: tone("NIST")[:-4000], CUT),
    "truncated aiff": rejected(lambda: tone("AIFF")[:-4000], CUT),
    "truncated opus": rejected(lambda: tone("OGG", "OPUS")[:-100], f"{CUT}|{NO_AUDIO}"),
    "opus with a second file behind": Kind(lambda: tone("OGG", "OPUS") * 2, ADMITTED),
    "one infinite sample": rejected(lambda: with_sample(np.inf), "NaN or infinite"),
    "one NaN": rejected(lambda: with_sample(np.nan), "NaN or infinite"),
    "a sample far beyond full scale": rejected(lambda: with_sample(1e30), "times beyond full scale"),
    "floats on the scale of integers": Kind(lambda: with_sample(32768.0), ADMITTED),
    "one sample": rejected(lambda: encoded(np.zeros(1)), "less audio than 0.025 s"),
    "no sample in a flac": rejected(lambda: encoded(np.zeros(0), "FLAC"), "no samples|is empty"),
    "digital silence": Kind(lambda: encoded(np.zeros(8000)), ADMITTED),
    "a web page": rejected(lambda: b"<!doctype html><script>alert(1)</script>" * 30, NO_AUDIO),
    "a zip file": rejected(zipped, NO_AUDIO),
    "an MP4 file": rejected(lambda: b"\0\0\0\x20ftypM4A " + bytes(1000), NO_AUDIO),
    "zeros": rejected(lambda: bytes(10**5), NO_AUDIO),
    "noise": rejected(lambda: np.random.default_rng(0).bytes(5000), NO_AUDIO),
    "RIFF and nothing else": rejected(lambda: b"RIFF", NO_AUDIO),
}  # fmt: skip

NAMES = {
    "a name in Arabic": called("\u0635\u0648\u062a.wav"), "a name with emoji": called("\U0001f3a4.wav"),
    "a name that turns the direction of writing": called("a\u202evaw.b.wav"),
    "a name with a newline": called("a\nb.wav"), "a name with a tab": called("a\tb.wav"),
    "a name as markup": called("<script>alert(1)<.wav"), "a name with quotes": called("\"'`$(x).wav"),
    "a name like an option": called("--help.wav"), "a name with a backslash": called("a\\b.wav"),
    "a name without ending": called("speech"), "a name with the wrong ending": called("speech.txt"),
    "a name in NFC": called(unicodedata.normalize("NFC", "Zoë.wav")),
    "a name in NFD": called(unicodedata.normalize("NFD", "Zoë.wav")),
    "a name in capitals": called("A.WAV"), "a name of 255 bytes": called("x" * 251 + ".wav"),
    "a name that is too long": Kind(None, "cannot read the file: File name too long", "x" * 300 + ".wav"),
    "a name with NUL": Kind(None, "embedded null byte", "a\0b.wav"),
    "a path out of the root": Kind(None, "the path is outside manifest.root", "../../../secret.wav"),
    "a path out of the root and back": Kind(tone, ADMITTED, "../corpus/back.wav"),
    "a folder called x.wav": Kind(None, "not a regular file", "folder.wav"),
    "a pipe": Kind(None, "not a regular file", "pipe.wav"),
    "a device": Kind(None, "not a regular file", "/dev/zero"),
}  # fmt: skip

TEXTS = {
    "right-to-left text": saying("\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645"),
    "text with combining characters": saying("Z\u0308e\u0301 \u0915\u093f"),
    "emoji": saying("\U0001f469\u200d\U0001f52c"),
    "text that turns the direction": saying("abc\u202edef"), "text with NUL": saying("a\0b"),
    "text with zero-width characters": saying("a\u200bb\ufeff"),
    "text as markup": saying("</bdi><script>x</script>"),
    "only combining marks": saying("\u0301\u0308", "empty transcript"),
    "only zero-width characters": saying("\u200b\u200d\ufeff", "empty transcript"),
    "only odd blanks": saying("\u00a0\u2003\u3000", "empty transcript"),
    "a huge text": saying("word " * 200_000, "transcript too long for its audio"),
    "an infinite duration, nearly": spanning("offset and duration exceed the recording", duration=1e308),
    "a negative duration": spanning("offset and duration exceed the recording", duration=-1.0),
    "a duration beyond the end": spanning("offset and duration exceed the recording", duration=0.6),
    "an offset of 1e308": spanning("offset and duration exceed the recording", offset=1e308),
    "an offset that is nearly nothing": spanning(ADMITTED, offset=1e-308),
    "a speaker of controls": spanning(ADMITTED, speaker="\x1b[31m\u202e\0"),
}  # fmt: skip

KINDS = FORMATS | FILES | NAMES | TEXTS

# Of files that no table can name, in a folder of their own: ids as rejected.json writes them.
FOLDER = "not_utf_8"
NOT_UTF_8 = {f"{FOLDER}/caf\\udce9.wav": b"caf\xe9.wav", f"{FOLDER}/\\udcff/a.wav": b"\xff/a.wav"}


def build(root: Path) -> list[dict[str, Any]]:
    """Every kind's file below the root, and its row, whose id is the kind."""
    rows = []
    for number, (kind, how) in enumerate(KINDS.items()):
        name = how.name if how.name != "a.wav" else f"{number}.wav"
        if how.make:
            (root / name).write_bytes(how.make())
        rows.append({"id": kind, "audio_filepath": name, "text": "GO", "split": "train", **how.row})
    (root / "folder.wav").mkdir()
    os.mkfifo(root / "pipe.wav")
    for name in NOT_UTF_8.values():
        path = root / FOLDER / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tone())
        path.with_suffix(".txt").write_text("GO")
    return rows
