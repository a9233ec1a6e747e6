"""Speech from espeak-ng: texts to samples, every voice in a fresh process.

The engine keeps state between texts, so the same text sounds slightly different the second time in a
process. A fresh process that speaks the same prompts in the same order, with the engine's random
numbers seeded, gives the same bytes.
"""

import ctypes
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stages.program import espeak as library
from stages.program.espeak import SAMPLE_RATE as SAMPLE_RATE
from stages.program.parents import die_with_parent

# From speak_lib.h
UTF8, POSITION_CHARACTER = 1, 1
PARAMETERS = {"words_per_minute": 1, "volume": 2, "pitch": 3, "intonation": 4}
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class Prompt:
    """A text and how to speak it. Pitch and intonation (the pitch range): 0 to 99, 50 is the voice's default.

    ``volume`` is a percentage: at 100, the engine's default, many voices clip.
    """

    text: str
    words_per_minute: int = 175
    pitch: int = 50
    intonation: int = 50
    volume: int = 30


def speak(voice: str, prompts: Iterable[Prompt]) -> list[bytes]:
    """Each prompt spoken, as 16 bit mono samples in the machine's byte order, at SAMPLE_RATE.

    ``voice`` is an accent and a variant, such as ``en-us+f3`` (``voices/!v`` of espeak-ng's data lists
    them). Safe to call from several threads. ValueError when there is no such voice, or no engine.
    """
    path, data = library.installed()
    _check_variant(voice, data)
    request = {"library": path, "data": data, "voice": voice, "prompts": [asdict(p) for p in prompts]}
    return _unpack(library.ask("stages.synthesis.espeak", request))


def _check_variant(voice: str, data: str) -> None:
    """espeak-ng silently ignores unknown variants."""
    variant = voice.partition("+")[2]
    known = sorted(path.name for path in Path(data, "voices", "!v").iterdir())
    if variant and variant not in known:
        raise ValueError(f"espeak-ng, voice {voice!r}: no variant {variant!r}, only {', '.join(known)}")


def _pack(pieces: Sequence[bytes]) -> bytes:
    return json.dumps([len(piece) for piece in pieces]).encode() + b"\n" + b"".join(pieces)


def _unpack(packed: bytes) -> list[bytes]:
    header, _, content = packed.partition(b"\n")
    pieces, start = [], 0
    for size in json.loads(header):
        pieces.append(content[start : start + size])
        start += size
    assert start == len(content)
    return pieces


class _Engine:
    """The library, once per process. Changes the working directory."""

    def __init__(self, path: str, data: str, voice: str) -> None:
        self._library = library.start(path, data, voice)
        self._chunks: list[bytes] = []
        self._callback = CALLBACK(self._collect)  # the library holds a bare pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, **settings: int) -> bytes:
        for name, value in settings.items():
            self._library.espeak_SetParameter(PARAMETERS[name], value, 0)
        self._chunks.clear()
        content = text.encode()
        size = ctypes.c_size_t(len(content) + 1)
        failed = self._library.espeak_Synth(content, size, 0, POSITION_CHARACTER, 0, UTF8, None, None)
        if failed or not self._chunks:
            raise ValueError(f"cannot speak {text!r}")
        return b"".join(self._chunks)

    def _collect(self, samples: Any, num_samples: int, events: Any) -> int:
        if samples and num_samples > 0:
            self._chunks.append(ctypes.string_at(samples, num_samples * 2))
        return 0


def _main() -> None:
    die_with_parent()
    request = json.load(sys.stdin)
    try:
        engine = _Engine(request["library"], request["data"], request["voice"])
        pieces = [engine.speak(**prompt) for prompt in request["prompts"]]
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(_pack(pieces))


if __name__ == "__main__":
    _main()
