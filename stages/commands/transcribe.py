"""Transcribe recordings with the exported model.

Prints a line for each file: its name, a tab, and the text or the chord. Reads all formats of libsndfile (WAV,
FLAC, Ogg, MP3, ...) at any sample rate, takes the mean of the channels as the features stage does, and
recognises a file in one piece, whatever its duration. For a file that cannot be read, prints the reason to
stderr, continues with the others, and exits with code 1. Needs numpy, onnxruntime, soundfile and soxr.
"""

import argparse
import io
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.program.signals import exit_on_signals

BUNDLE = Path("artifacts/export")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="earshot transcribe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("files", nargs="+", metavar="FILE")
    made.add_argument(
        "--bundle", type=Path, default=BUNDLE, metavar="FOLDER", help=f"by default {BUNDLE.as_posix()}"
    )
    made.add_argument(
        "--json", action="store_true", help="lines of JSON with path, text, seconds and confidence"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    behave_as_a_unix_tool()
    from stages.commands.transcription import transcribe

    transcribe(given.files, given.bundle, given.json)
    return 0


def behave_as_a_unix_tool() -> None:
    """End when the reader of a pipe ends; print UTF-8 in any locale, and file names unchanged."""
    exit_on_signals()
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


if __name__ == "__main__":
    sys.exit(main())
