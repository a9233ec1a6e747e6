"""Verifies that a recording is the one that the manifest describes, also after it has been read."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.program.inputs import hash_file
from stages.program.processes import in_threads
from stages.program.progress import track

SHOWN = Path("data/manifest")  # the manifest's folder in messages, wherever it is on this machine
BATCH = 1024  # rows that are Python objects at a time


def verify(row: Mapping[str, Any], manifest: Path) -> str:
    """The stamp of a row's recording, for ``verify_still``; ValueError naming utterance and file if the
    recording is missing or changed.
    """
    try:
        stamp = _stamp(row, manifest)  # before it is read
        found = hash_file(manifest / row["audio_filepath"])
    except OSError as error:
        raise ValueError(f"{place(row)}: {error.strerror}") from error
    if found != row["audio_sha256"]:
        raise ValueError(f"{place(row)} changed since the manifest was made; run that stage")
    return stamp


def verify_still(row: Mapping[str, Any], manifest: Path, stamp: str) -> str:
    """The stamp of a recording after it has been read; ValueError if the recording has changed.

    It is hashed again only if its stamp differs: it may have been touched, and machines of a cluster may see
    times at different precisions.
    """
    with suppress(OSError):  # verify reports it
        if _stamp(row, manifest) == stamp:
            return stamp
    return verify(row, manifest)


def verify_files(rows: pa.Table, manifest: Path) -> dict[str, str]:
    """The stamps of the files of rows, by ``audio_filepath``; every row has a different file."""
    stamps = in_threads(partial(verify, manifest=manifest), _rows(rows))
    shown = track(stamps, "verifying audio", len(rows), "files")
    return dict(zip(rows["audio_filepath"].to_pylist(), shown, strict=True)) if len(rows) else {}


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(BATCH):
        yield from batch.to_pylist()


def _stamp(row: Mapping[str, Any], manifest: Path) -> str:
    status = (manifest / row["audio_filepath"]).stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def place(row: Mapping[str, Any]) -> str:
    return f"utterance {row['id']}: {SHOWN / row['audio_filepath']}"
