"""Use espeak-ng's library, always in a fresh process, as it keeps state between texts.

The package ``espeakng_loader`` contains it and its data (GPL, hence the extra ``speech-synthesis``).
"""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGE_ROOT = Path(__file__).parents[2]
SAMPLE_RATE = 22050  # Hz, of all voices that espeak-ng makes itself
SYNCHRONOUS, DO_NOT_EXIT = 2, 0x8000  # from speak_lib.h


def installed() -> tuple[str, str]:
    """The engine's library and data folder; ValueError if it is not installed."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise ValueError(
            "espeak-ng, which synthesizes speech and gives the phones of words, is not installed: install"
            " the extra speech-synthesis with pip install -e '.[speech-synthesis]'"
        ) from error
    return espeakng_loader.get_library_path(), espeakng_loader.get_data_path()


def ask(module: str, request: Mapping[str, Any]) -> bytes:
    """The output of ``python -m MODULE`` for a request as JSON on stdin; ValueError with its error."""
    search_path = os.pathsep.join(filter(None, [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH")]))
    child = subprocess.run(
        [sys.executable, "-m", module],
        input=json.dumps(request).encode(),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": search_path},
    )
    if child.returncode:
        reason = child.stderr.decode(errors="replace").strip() or f"exit code {child.returncode}"
        raise ValueError(f"espeak-ng, voice {request['voice']!r}: {reason}")
    return child.stdout


def start(library: str, data: str, voice: str) -> ctypes.CDLL:
    """Start the engine with a voice, once per process; ValueError if there is no such voice.

    Changes the working directory.
    """
    engine = ctypes.CDLL(library)
    os.chdir(data)  # espeak-ng truncates the path of its data to 160 characters
    if engine.espeak_Initialize(SYNCHRONOUS, 0, b".", DO_NOT_EXIT) != SAMPLE_RATE:
        raise ValueError(f"it cannot start with its data in {data}")
    engine.espeak_ng_SetRandSeed(ctypes.c_long(1))  # otherwise the clock seeds the breath noise
    if engine.espeak_SetVoiceByName(voice.encode()):
        raise ValueError("no such accent")
    return engine
