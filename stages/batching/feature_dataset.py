"""Utterances of one split, read from its feature shards."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch.utils.data import Dataset

from stages.augment.augmentation import Augmentation
from stages.augment.chain import augmented
from stages.augment.seeds import fresh_seeds, recording_generator
from stages.batching.batch import Example, Values
from stages.schema.feature_table import read_metadata
from stages.tokens.tokens import Tokens

Key = tuple[int, int]  # position in the dataset, epoch


class FeatureDataset(Dataset[Example]):
    """Items by (position, epoch), sorted by id and copy; fresh augmentation by (seed, epoch, id).

    The epoch is part of the key, so that any number of loader workers draws the same augmentation.
    """

    def __init__(
        self,
        folder: Path,
        tokens: Tokens,
        augment: Sequence[Augmentation] = (),
        seed: int = 0,
        held_out: bool = False,
    ) -> None:
        """``held_out`` utterances may hold tokens outside the vocabulary, which their targets leave out.
        ``augment`` needs cached waveforms.
        """
        self.folder = folder
        self.metadata = read_metadata(folder)
        self.augment = augment
        self.seed = seed
        table = pq.read_table(folder / "index.parquet")
        index = table.select(["id", "speaker"]).to_pydict()
        rows = dict(zip(index["id"], range(len(index["id"])), strict=True))
        self.index_texts = tokens.transcripts(table.to_pylist())
        self.index_speakers: list[str | None] = index["speaker"]
        targets = encoded(tokens, index["id"], self.index_texts, held_out)
        shards = sorted(path for path in folder.glob("*.parquet") if path.name != "index.parquet")
        if not shards:
            raise ValueError(f"{folder}: no feature shards; run the features stage")
        self.table = pa.concat_tables([pq.read_table(path) for path in shards])
        ids, copies = self.table["id"].to_pylist(), self.table["copy"].to_numpy()
        self.order = sorted(range(len(ids)), key=lambda row: (ids[row], copies[row]))
        self.ids: list[str] = [ids[row] for row in self.order]
        self.copies = [int(copies[row]) for row in self.order]
        self.texts = [self.index_texts[rows[name]] for name in self.ids]
        self.speakers = [self.index_speakers[rows[name]] for name in self.ids]
        self.targets = [targets[rows[name]] for name in self.ids]
        self.num_frames = self.table["num_frames"].to_numpy()[self.order]

    def __len__(self) -> int:
        return len(self.order)

    @property
    def seconds(self) -> np.ndarray:
        """Length of every item in seconds: (len(self),)."""
        return self.num_frames * self.metadata.frame_shift_seconds

    def keep(self, positions: Sequence[int]) -> None:
        """Drop all other items."""
        for name in ("order", "ids", "copies", "texts", "speakers", "targets"):
            values = getattr(self, name)
            setattr(self, name, [values[position] for position in positions])
        self.num_frames = self.num_frames[list(positions)]

    def __getitem__(self, key: Key) -> Example:
        position, epoch = key
        values, name = self._values(position), self.ids[position]
        draws = fresh_seeds(self.seed, epoch, name, self.copies[position])
        if self.augment:
            rate, generator = self.metadata.sample_rate, recording_generator(draws)
            values = augmented(self.augment, values[:, 0], rate, generator, name)[:, None]
        return Example(name, values, self.targets[position], self.texts[position], draws)

    def _values(self, position: int) -> Values:
        buffer = self.table["values"][self.order[position]].as_buffer()
        stored = np.frombuffer(buffer, self.metadata.dtype).reshape(-1, self.metadata.feature_size)
        values = stored.astype(np.float32)
        return values / np.float32(32767) if self.metadata.dtype == "int16" else values


def encoded(tokens: Tokens, ids: Sequence[str], texts: Sequence[str], held_out: bool) -> list[list[int]]:
    """Token indices; ValueError with the id of an utterance that has none."""
    encode = tokens.encode_known if held_out else tokens.encode
    found = []
    for name, text in zip(ids, texts, strict=True):
        try:
            found.append(encode(text))
        except ValueError as error:
            raise ValueError(f"utterance {name}: {error}") from error
    return found
