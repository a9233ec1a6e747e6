"""Whether a recording is the one that the manifest describes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.program.inputs import hash_file

SHOWN = Path("data/manifest")  # how messages call the manifest's folder, wherever it lies on this machine


def verify(row: Mapping[str, Any], manifest: Path) -> None:
    """ValueError naming utterance and file of a row whose recording is gone or another one."""
    try:
        found = hash_file(manifest / row["audio_filepath"])
    except OSError as error:
        raise ValueError(f"{place(row)}: {error.strerror}") from error
    if found != row["audio_sha256"]:
        raise ValueError(f"{place(row)} changed since the manifest was made; run that stage")


def place(row: Mapping[str, Any]) -> str:
    return f"utterance {row['id']}: {SHOWN / row['audio_filepath']}"
