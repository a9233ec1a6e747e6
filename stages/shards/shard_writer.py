"""A shard's file: written some rows at a time, in place only when it is whole.

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
    """Takes rows one by one and holds a row group of them in memory at most.

    The file gets its name when the block ends without an error; with one, nothing is left.
    """

    def __init__(self, path: Path, metadata: FeatureMetadata) -> None:
        self.path = path
        # of this very process: a cluster may start a job anew elsewhere while the first try still runs
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
        """One row: ``stored`` is (T, F) in the type of the metadata."""
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
                os.fsync(self.stream.fileno())  # after a power cut, the name means all of the bytes
                self.stream.close()
                self.partial.replace(self.path)
        finally:
            if not self.stream.closed:
                self._give_up()

    def _give_up(self) -> None:
        """Close what cannot be finished, on a full disk for one, and leave nothing."""
        for resource in (self.writer, self.stream):
            with suppress(OSError):  # the error that brought us here is the one to tell
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
    """Arrays as one column of bytes, through a single buffer."""
    offsets = np.cumsum([0, *(stored.nbytes for stored in values)])
    content = np.concatenate([stored.ravel() for stored in values])
    return pa.Array.from_buffers(
        pa.large_binary(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(content)]
    )


def forget_partial(folder: Path) -> set[Path]:
    """Remove what processes of this machine left that were killed; the shards that they were at work on."""
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
