"""What recordings say, by an exported model: python -m stages.formats.transcribe FILE...

A line for each file: its name, a tab, and the text or the chord. It reads what libsndfile reads (WAV, FLAC,
Ogg, MP3, ...) at any sample rate, takes the mean of the channels as the features stage does, and recognises
a file as a whole, however long. A file that cannot be read is named on stderr with the reason; the others
go on, and the exit code is 1. It needs numpy, onnxruntime, soundfile and soxr.
"""

import argparse
import io
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.corpora.recording import mono, read_recording
from stages.formats.runtime import Runtime
from stages.program.signals import exit_on_signals

BUNDLE = Path("artifacts/export")


def described(file: str, runtime: Runtime, as_json: bool) -> str:
    """The line of a file; ValueError with the reason if there is none."""
    channels, original_rate = read_recording(Path(file))
    found = runtime.recognise(mono(channels, original_rate, runtime.sample_rate))
    if not as_json:
        return f"{file}\t{found.text}"
    seconds, confidence = round(len(channels) / original_rate, 3), round(found.confidence, 4)
    line = {"path": file, "text": found.text, "seconds": seconds, "confidence": confidence}
    return json.dumps(line, ensure_ascii=False)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.formats.transcribe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument(
        "--bundle", type=Path, default=BUNDLE, metavar="FOLDER", help=f"by default {BUNDLE.as_posix()}"
    )
    parser.add_argument(
        "--json", action="store_true", help="lines of JSON with path, text, seconds and confidence"
    )
    given = parser.parse_args(arguments)
    try:
        runtime = Runtime(given.bundle)
    except ValueError as error:
        sys.exit(f"transcribe: {error}")
    num_failed = 0
    for number, file in enumerate(given.files, 1):
        if len(given.files) > 1:
            print(f"{number}/{len(given.files)} {file}", file=sys.stderr)
        try:
            print(described(file, runtime, given.json), flush=True)
        except (ValueError, MemoryError) as error:
            print(f"transcribe: {file}: {error}", file=sys.stderr)
            num_failed += 1
    if num_failed:
        sys.exit(f"transcribe: {num_failed} of {len(given.files)} files failed")


def behave_as_a_unix_tool() -> None:
    """End with the reader of what is printed; print UTF-8 whatever the locale, and file names as they are."""
    exit_on_signals()
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


if __name__ == "__main__":
    behave_as_a_unix_tool()
    main()
