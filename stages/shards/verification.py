"""Whether a recording is the one that the manifest describes, and still is when it has been read."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.program.inputs import hash_file
from stages.program.processes import in_threads
from stages.program.progress import track

SHOWN = Path("data/manifest")  # how messages call the manifest's folder, wherever it lies on this machine
BATCH = 1024  # rows that are Python objects at a time


def verify(row: Mapping[str, Any], manifest: Path) -> str:
    """The stamp of a row's recording, for ``refuse_changed``; ValueError naming utterance and file if it is
    gone or another one.
    """
    try:
        stamp = _stamp(row, manifest)  # before it is read
        found = hash_file(manifest / row["audio_filepath"])
    except OSError as error:
        raise ValueError(f"{place(row)}: {error.strerror}") from error
    if found != row["audio_sha256"]:
        raise ValueError(f"{place(row)} changed since the manifest was made; run that stage")
    return stamp


def refuse_changed(row: Mapping[str, Any], manifest: Path, stamp: str) -> None:
    """ValueError for a recording that is no longer what it was when it got this stamp."""
    try:
        changed = _stamp(row, manifest) != stamp
    except OSError as error:
        raise ValueError(f"{place(row)}: {error.strerror}") from error
    if changed:
        raise ValueError(f"{place(row)} changed while the stage ran; run the manifest stage, then this one")


def verify_shared(rows: pa.Table, manifest: Path) -> dict[str, str]:
    """The stamps of those files that several rows name, by ``audio_filepath``, when all are verified.

    Jobs verify the others as they read them: of a large corpus, everything is then read once.
    """
    files = rows.group_by("audio_filepath", use_threads=False).aggregate(
        [("id", "first"), ("audio_sha256", "first"), ([], "count_all")]
    )
    files = files.filter(pc.greater(files["count_all"], 1)).sort_by("audio_filepath")
    files = files.select(["audio_filepath", "id_first", "audio_sha256_first"])
    if not len(files):
        return {}
    work = _rows(files.rename_columns(["audio_filepath", "id", "audio_sha256"]))
    stamps = track(
        in_threads(partial(verify, manifest=manifest), work), "verifying audio", len(files), "files"
    )
    return dict(zip(files["audio_filepath"].to_pylist(), stamps, strict=True))


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(BATCH):
        yield from batch.to_pylist()


def _stamp(row: Mapping[str, Any], manifest: Path) -> str:
    status = (manifest / row["audio_filepath"]).stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def place(row: Mapping[str, Any]) -> str:
    return f"utterance {row['id']}: {SHOWN / row['audio_filepath']}"
