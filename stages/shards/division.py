"""Which shard an utterance is in, by the hash of its id."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

UTTERANCES_PER_SHARD = 128  # at least, on average
MAX_BITS = 12  # 4096 shards: files that DVC and a file system bear
CHUNK = 10_000

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def shard_bits(num_utterances: int) -> int:
    """The number of shards of a split is 2 to this: as many as leave each its share of utterances.

    The first bits of the hash are the shard's number, so that a corpus that outgrows its number of shards
    has each of them split in two.
    """
    return min(MAX_BITS, max(0, (num_utterances // UTTERANCES_PER_SHARD).bit_length() - 1))


def shard_numbers(ids: pa.ChunkedArray, bits: int) -> Numbers:
    """The shard of each utterance: (len(ids),)."""
    return np.fromiter((_hash(name) >> (32 - bits) for name in _strings(ids)), np.int64, len(ids))


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def _strings(column: pa.ChunkedArray) -> Iterator[str]:
    """A column's values, some at a time: a million Python strings are 80 MB."""
    for start in range(0, len(column), CHUNK):
        yield from column.slice(start, CHUNK).to_pylist()
