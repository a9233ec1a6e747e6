"""Transcripts and token indices of a split, without Python objects per utterance.

U tokens of an utterance.
"""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import pyarrow as pa

from stages.tokens.tokens import Tokens

CHUNK = 50_000

Indices = np.ndarray[Any, np.dtype[Any]]


class Targets(Sequence[list[int]]):
    """Token indices of utterances in one array; an item is a list (U,)."""

    def __init__(self, flat: Indices, starts: Indices, ends: Indices) -> None:
        self.flat, self.starts, self.ends = flat, starts, ends

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, position: int) -> list[int]: ...

    @overload
    def __getitem__(self, position: slice) -> "Targets": ...

    def __getitem__(self, position: int | slice) -> "list[int] | Targets":
        if isinstance(position, slice):
            return self.take(position)
        found: list[int] = self.flat[self.starts[position] : self.ends[position]].tolist()
        return found

    def take(self, positions: Indices | slice) -> "Targets":
        """The targets at some positions; only their offsets are copied."""
        return Targets(self.flat, self.starts[positions], self.ends[positions])


def transcripts(tokens: Tokens, index: pa.Table) -> pa.LargeStringArray:
    """The transcript of each utterance of a split's index, as the model is to recognise it."""
    chunks = [tokens.transcripts(rows.to_pylist()) for rows in index.to_batches(CHUNK)]
    found = pa.chunked_array([pa.array(texts, pa.large_string()) for texts in chunks], pa.large_string())
    return found.combine_chunks()


def encoded(tokens: Tokens, ids: pa.Array, texts: pa.Array, held_out: bool) -> Targets:
    """Token indices; ValueError with the id of an utterance that cannot be encoded.

    ``held_out`` utterances may contain tokens outside the vocabulary, which are left out.
    """
    encode = tokens.encode_known if held_out else tokens.encode
    dtype = np.uint16 if len(tokens.vocabulary) <= 2**16 else np.int32
    parts, lengths = [np.zeros(0, dtype)], np.zeros(len(texts), np.int64)
    for start in range(0, len(texts), CHUNK):
        flat: list[int] = []
        for row, text in enumerate(texts.slice(start, CHUNK).to_pylist(), start):
            try:
                found = encode(text)
            except ValueError as error:
                raise ValueError(f"utterance {ids[row]}: {error}") from error
            flat += found
            lengths[row] = len(found)
        parts.append(np.array(flat, dtype))
    ends = np.cumsum(lengths)
    return Targets(np.concatenate(parts), ends - lengths, ends)
