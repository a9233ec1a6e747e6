"""Transcribe recordings with an exported model, without torch."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.audio.recording import mono, read_recording
from stages.formats.runtime import Runtime


def transcribe(files: Sequence[str], bundle: Path, as_json: bool) -> None:
    """Print a line for each file. Failed files are reported on stderr, with SystemExit at the end."""
    try:
        runtime = Runtime(bundle)
    except ValueError as error:
        sys.exit(f"transcribe: {error}")
    num_failed = 0
    for number, file in enumerate(files, 1):
        if len(files) > 1:
            print(f"{number}/{len(files)} {file}", file=sys.stderr)
        try:
            print(described(file, runtime, as_json), flush=True)
        except (ValueError, MemoryError) as error:
            print(f"transcribe: {file}: {error}", file=sys.stderr)
            num_failed += 1
    if num_failed:
        sys.exit(f"transcribe: {num_failed} of {len(files)} files failed")


def described(file: str, runtime: Runtime, as_json: bool) -> str:
    """The output line of a file; ValueError with the reason if it fails."""
    channels, original_rate = read_recording(Path(file))
    found = runtime.recognise(mono(channels, original_rate, runtime.sample_rate))
    if not as_json:
        return f"{file}\t{found.text}"
    seconds, confidence = round(len(channels) / original_rate, 3), round(found.confidence, 4)
    line = {"path": file, "text": found.text, "seconds": seconds, "confidence": confidence}
    return json.dumps(line, ensure_ascii=False)
