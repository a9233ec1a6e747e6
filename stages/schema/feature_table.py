"""Feature shards and their index: what the Parquet files under data/features say."""

from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from stages.schema.part import Part

METADATA_KEY = b"earshot"
ROWS_PER_GROUP = 256

SHARD_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("copy", pa.int16(), nullable=False),  # 0 is the original, then features.copies in order
        pa.field("num_frames", pa.int32(), nullable=False),
        pa.field("values", pa.large_binary(), nullable=False),  # (num_frames, feature_size), row-major
    ]
)
INDEX_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("speaker", pa.string()),
        pa.field("language", pa.string()),
        pa.field("duration", pa.float64(), nullable=False),
        pa.field("repeat", pa.int32()),  # how many times more than once training takes it in an epoch
        *(pa.field(name, pa.string()) for name in ("phonemes", "chord_type", "root", "bass_note")),
    ]
)


class FeatureMetadata(BaseModel):
    """What a shard's values are; it travels into the checkpoint and the exported model.

    ``frame_shift_seconds`` is one sample's length where ``domain`` is waveform.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    frontend: Part
    sample_rate: int
    feature_size: int
    frame_shift_seconds: float
    domain: Literal["features", "waveform"]
    dtype: Literal["float16", "int16"]
    mixdown: Literal["mean of channels"] = "mean of channels"

    def attach(self, schema: pa.Schema) -> pa.Schema:
        return schema.with_metadata({METADATA_KEY: self.model_dump_json().encode()})


def read_metadata(split_folder: Path) -> FeatureMetadata:
    """The metadata of a split's shards, read from its index."""
    index = split_folder / "index.parquet"
    if not index.exists():
        raise ValueError(f"{index}: no such file; run the features stage")
    stored = pq.read_schema(index).metadata or {}
    if METADATA_KEY not in stored:
        raise ValueError(f"{index}: not written by the features stage (no {METADATA_KEY.decode()} metadata)")
    return FeatureMetadata.model_validate_json(stored[METADATA_KEY])
