"""The shard of an utterance, by the hash of its id."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

UTTERANCES_PER_SHARD = 128  # at least, on average
MAX_BITS = 12  # 4096 shards: enough files for DVC and a file system
CHUNK = 10_000

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def shard_bits(num_utterances: int) -> int:
    """The base-2 logarithm of a split's number of shards, so that each has UTTERANCES_PER_SHARD on average.

    The first bits of the hash are the number of the shard, so that each shard is split in two when the
    corpus outgrows them.
    """
    return min(MAX_BITS, max(0, (num_utterances // UTTERANCES_PER_SHARD).bit_length() - 1))


def shard_numbers(ids: pa.ChunkedArray, bits: int) -> Numbers:
    """The shard of each utterance: (len(ids),)."""
    return np.fromiter((_hash(name) >> (32 - bits) for name in _strings(ids)), np.int64, len(ids))


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def _strings(column: pa.ChunkedArray) -> Iterator[str]:
    """The values of a column, in chunks: a million Python strings are 80 MB."""
    for start in range(0, len(column), CHUNK):
        yield from column.slice(start, CHUNK).to_pylist()
