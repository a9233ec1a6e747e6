"""Utterances of one split, read from its feature shards.

T frames, F features.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from torch.utils.data import Dataset

from stages.augment.augmentation import Augmentation
from stages.augment.chain import augmented
from stages.augment.seeds import fresh_seeds, recording_generator
from stages.batching.batch import Example, Values
from stages.batching.targets import Targets, encoded, transcripts
from stages.program.processes import in_threads
from stages.schema.feature_table import INDEX, read_metadata, read_shard
from stages.tokens.tokens import Tokens

Key = tuple[int, int]  # position in the dataset, epoch
Items = np.ndarray[Any, np.dtype[Any]]
# Where an item's values are (shard, offset in bytes), its row of the index, copy, and repetition.
ITEM = np.dtype(
    [
        ("shard", "i4"),
        ("place", "i8"),
        ("num_frames", "i4"),
        ("row", "i4"),
        ("copy", "i2"),
        ("repetition", "i4"),
    ]
)


class FeatureDataset(Dataset[Example]):
    """Items by (position, epoch), sorted by id, copy and repetition; fresh augmentation by (seed, epoch, id).

    The epoch is part of the key, so that any number of loader workers draws the same augmentation. Memory
    contains only the offset of each item's values; an item is one read of its own bytes. There are no Python
    objects per utterance, so that workers share memory.
    """

    def __init__(
        self,
        folder: Path,
        tokens: Tokens,
        augment: Sequence[Augmentation] = (),
        seed: int = 0,
        held_out: bool = False,
    ) -> None:
        """``held_out`` utterances occur once and may contain tokens outside the vocabulary, which their
        targets leave out; others are repeated as in the index. ``augment`` needs cached waveforms.
        """
        self.folder = folder
        self.metadata = read_metadata(folder)
        self.augment = augment
        self.seed = seed
        index = pq.read_table(folder / INDEX)
        self.index_ids, self.index_speakers = (index[name].combine_chunks() for name in ("id", "speaker"))
        self.index_texts = transcripts(tokens, index)
        self.index_targets = encoded(tokens, self.index_ids, self.index_texts, held_out)
        self.shards = sorted(path for path in folder.glob("*.parquet") if path.name != INDEX)
        self.items = self._find_items()
        if not held_out:
            self.items = _repeated(self.items, index["repeat"].fill_null(0).to_numpy())

    def _find_items(self) -> Items:
        """Every row of the shards, sorted by id and copy."""
        if not self.shards:
            raise ValueError(f"{self.folder}: no feature shards; run the features stage")
        found = list(in_threads(partial(read_shard, metadata=self.metadata), self.shards))
        table = pa.concat_tables([rows for rows, _ in found])
        rows = pc.index_in(table["id"], value_set=self.index_ids)
        if rows.null_count:
            raise ValueError(
                f"{self.folder}: its shards have utterances that its index lacks; run the features stage"
            )
        items = np.zeros(len(table), ITEM)
        items["shard"] = np.repeat(np.arange(len(found)), [len(rows) for rows, _ in found])
        items["place"] = np.concatenate([places for _, places in found])
        items["row"] = rows.to_numpy()
        for name in ("num_frames", "copy"):
            items[name] = table[name].to_numpy()
        items = items[np.lexsort((items["copy"], items["row"]))]  # rows of the index are sorted by id
        self._refuse_gaps(items)
        return items

    def _refuse_gaps(self, items: Items) -> None:
        """ValueError unless the shards have every utterance of the index exactly once in each copy."""
        count, num_copies = len(self.index_ids), int(items["copy"].max(initial=0)) + 1
        rows, copies = np.repeat(np.arange(count), num_copies), np.tile(np.arange(num_copies), count)
        if np.array_equal(items["row"], rows) and np.array_equal(items["copy"], copies):
            return
        found = np.bincount(items["row"], minlength=count)
        odd = int((found != num_copies).argmax())
        raise ValueError(
            f"{self.folder}: missing or extra shards: they have {len(items)} rows, its index {count}"
            f" utterances of {num_copies} rows each, but {self.index_ids[odd]}, for instance, has"
            f" {found[odd]}; run the features stage"
        )

    def __len__(self) -> int:
        return len(self.items)

    @property
    def ids(self) -> pa.Array:
        return self.index_ids.take(pa.array(self.items["row"]))

    @property
    def texts(self) -> pa.Array:
        return self.index_texts.take(pa.array(self.items["row"]))

    @property
    def speakers(self) -> pa.Array:
        return self.index_speakers.take(pa.array(self.items["row"]))

    @property
    def targets(self) -> Targets:
        return self.index_targets.take(self.items["row"])

    @property
    def num_frames(self) -> Items:
        return self.items["num_frames"]

    @property
    def seconds(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Length of every item in seconds: (len(self),)."""
        return self.num_frames * self.metadata.frame_shift_seconds

    def keep(self, positions: Sequence[int] | Items) -> None:
        """Drop all other items."""
        self.items = self.items[np.asarray(positions, np.int64)]

    def __getitem__(self, key: Key) -> Example:
        position, epoch = key
        item = self.items[position]
        row, copy, repetition = (int(item[name]) for name in ("row", "copy", "repetition"))
        values, name = self._values(item), self.index_ids[row].as_py()
        draw = fresh_seeds(self.seed, epoch, name, copy, repetition)
        if self.augment:
            rate, generator = self.metadata.sample_rate, recording_generator(draw)
            values = augmented(self.augment, values[:, 0], rate, generator, name)[:, None]
        return Example(name, values, self.index_targets[row], self.index_texts[row].as_py(), draw)

    def _values(self, item: Any) -> Values:
        """(T, F)"""
        path, size = self.shards[item["shard"]], self.metadata.feature_size
        stored = np.fromfile(
            path, self.metadata.dtype, int(item["num_frames"]) * size, offset=int(item["place"])
        )
        values = stored.reshape(-1, size).astype(np.float32)
        return values / np.float32(32767) if self.metadata.dtype == "int16" else values


def _repeated(items: Items, repeats: np.ndarray[Any, np.dtype[Any]]) -> Items:
    """Each item once, followed by as many repetitions as its row of the index has."""
    times = 1 + repeats[items["row"]].astype(np.int64)
    ends = np.cumsum(times)
    found = np.repeat(items, times)
    found["repetition"] = np.arange(len(found)) - np.repeat(ends - times, times)
    return found
