"""Writes the file of a shard some rows at a time; it gets its name only when complete.

T frames, F features.
"""

import os
import socket
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.schema.feature_table import (
    GROUP_BYTES,
    GROUP_ROWS,
    LAYOUT,
    SHARD_SCHEMA,
    FeatureMetadata,
)

Stored = np.ndarray[Any, np.dtype[Any]]


class ShardWriter(AbstractContextManager["ShardWriter"]):
    """Takes rows one by one and keeps at most one row group in memory.

    The file gets its name when the block ends without an error; otherwise it is removed.
    """

    def __init__(self, path: Path, metadata: FeatureMetadata) -> None:
        self.path = path
        # unique to this process: a cluster may restart a job elsewhere while the first try still runs
        self.partial = path.with_name(f"{path.name}.{socket.gethostname()}-{os.getpid()}.partial")
        self.schema = metadata.attach(SHARD_SCHEMA)
        self.num_rows = 0
        self.waiting: list[tuple[str, int, Stored]] = []
        self.num_bytes = 0

    def __enter__(self) -> "ShardWriter":
        self.stream = self.partial.open("wb")
        self.writer = pq.ParquetWriter(self.stream, self.schema, **LAYOUT)
        return self

    def add(self, name: str, copy: int, stored: Stored) -> None:
        """Add a row: ``stored`` is (T, F) in the type of the metadata."""
        self.waiting.append((name, copy, stored))
        self.num_rows += 1
        self.num_bytes += stored.nbytes
        if len(self.waiting) == GROUP_ROWS or self.num_bytes >= GROUP_BYTES:
            self._write_group()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._write_group()
                self.writer.close()
                self.stream.flush()
                os.fsync(self.stream.fileno())  # also after a power cut, a named file is complete
                self.stream.close()
                self.partial.replace(self.path)
        finally:
            if not self.stream.closed:
                self._give_up()

    def _give_up(self) -> None:
        """Close and remove the partial file, for example on a full disk."""
        for resource in (self.writer, self.stream):
            with suppress(OSError):  # the first error is the one to report
                resource.close()
        self.partial.unlink(missing_ok=True)

    def _write_group(self) -> None:
        if not self.waiting:
            return
        names, copies, values = zip(*self.waiting, strict=True)
        columns = [
            pa.array(names, pa.string()),
            pa.array(copies, pa.int16()),
            pa.array([len(stored) for stored in values], pa.int32()),
            _binary(values),
        ]
        self.writer.write_batch(pa.record_batch(columns, schema=self.schema))
        self.waiting, self.num_bytes = [], 0


def _binary(values: tuple[Stored, ...]) -> pa.Array:
    """Arrays as a column of bytes, in a single buffer."""
    offsets = np.cumsum([0, *(stored.nbytes for stored in values)])
    content = np.concatenate([stored.ravel() for stored in values])
    return pa.Array.from_buffers(
        pa.large_binary(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(content)]
    )


def forget_partial(folder: Path) -> set[Path]:
    """Remove partial files of killed processes of this machine; returns the shards they were to become."""
    lost = set()
    for partial in folder.glob("*.partial"):
        shard, _, writer = partial.stem.partition(".parquet.")
        host, _, process = writer.rpartition("-")
        if host == socket.gethostname() and not _lives(int(process)):
            partial.unlink(missing_ok=True)
            lost.add(folder / f"{shard}.parquet")
    return lost


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
