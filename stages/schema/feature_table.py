"""Feature shards and their index: the Parquet files in data/features."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from stages.schema.families import FrontendPart
from stages.schema.part import SHAPE_ALONE

METADATA_KEY = b"earshot"
INDEX = "index.parquet"
GROUP_ROWS = 256
GROUP_BYTES = 32 * 2**20  # a row group ends at either, so that long recordings need little memory

SHARD_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("copy", pa.int16(), nullable=False),  # 0 is the original, then features.copies in order
        pa.field("num_frames", pa.int32(), nullable=False),
        pa.field("values", pa.large_binary(), nullable=False),  # (num_frames, feature_size), row-major
    ]
)
# The values of a row group are one PLAIN page, which ends where its column does. PLAIN writes a four-byte
# length before each value, so numbers of frames give each value's position in the file.
LAYOUT: dict[str, Any] = {
    "compression": "none",
    "use_dictionary": False,
    "write_statistics": ["id", "copy", "num_frames"],
    "data_page_size": 2**30,
}
LENGTH_BYTES = 4

INDEX_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("speaker", pa.string()),
        pa.field("language", pa.string()),
        pa.field("duration", pa.float64(), nullable=False),
        pa.field("repeat", pa.int32()),  # additional times that an epoch contains it
        *(pa.field(name, pa.string()) for name in ("phonemes", "chord_type", "root", "bass_note")),
    ]
)

Places = np.ndarray[Any, np.dtype[np.int64]]


class FeatureMetadata(BaseModel):
    """What a shard's values are; the checkpoint and the exported model contain it too.

    ``frame_shift_seconds`` is one sample's duration if ``domain`` is waveform.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    frontend: FrontendPart
    sample_rate: int
    feature_size: int
    frame_shift_seconds: float
    domain: Literal["features", "waveform"]
    dtype: Literal["float16", "int16"]
    mixdown: Literal["mean of channels"] = "mean of channels"

    def attach(self, schema: pa.Schema) -> pa.Schema:
        return schema.with_metadata({METADATA_KEY: self.model_dump_json().encode()})

    @property
    def frame_bytes(self) -> int:
        return self.feature_size * np.dtype(self.dtype).itemsize


def read_metadata(split_folder: Path) -> FeatureMetadata:
    """The metadata of a split's shards, read from its index."""
    index = split_folder / INDEX
    if not index.exists():
        raise ValueError(f"{index}: no such file; run the features stage")
    return _metadata(index, pq.read_schema(index))


def _metadata(path: Path, schema: pa.Schema) -> FeatureMetadata:
    stored = schema.metadata or {}
    if METADATA_KEY not in stored:
        raise ValueError(f"{path}: not written by the features stage (no {METADATA_KEY.decode()} metadata)")
    return FeatureMetadata.model_validate_json(stored[METADATA_KEY], context=SHAPE_ALONE)


def read_shard(path: Path, metadata: FeatureMetadata) -> tuple[pa.Table, Places]:
    """A shard's rows without their values, and the byte offset of each row's values in the file; ValueError
    if its features are not those of ``metadata``.

    Arrow has no public access to these bytes and reads the entire row group: for one utterance out of 256
    that took 0.70 ms of CPU, reading just its bytes 0.04 ms (pyarrow 26, the default corpus).
    """
    with pq.ParquetFile(path) as shard:
        if _metadata(path, shard.schema_arrow) != metadata:
            raise ValueError(f"{path}: its features differ from {INDEX} next to it; run the features stage")
        rows = shard.read(["id", "copy", "num_frames"])
        groups = [shard.metadata.row_group(number) for number in range(shard.metadata.num_row_groups)]
    sizes = rows["num_frames"].to_numpy().astype(np.int64) * metadata.frame_bytes + LENGTH_BYTES
    places, start = np.empty_like(sizes), 0
    for group in groups:
        column = group.column(SHARD_SCHEMA.names.index("values"))
        members = slice(start, start + group.num_rows)
        end = column.data_page_offset + column.total_compressed_size
        places[members] = end - np.cumsum(sizes[members][::-1])[::-1] + LENGTH_BYTES
        start += group.num_rows
        length = np.fromfile(path, "<u4", 1, offset=int(places[members][0]) - LENGTH_BYTES)
        if "PLAIN" not in column.encodings or length != sizes[members][0] - LENGTH_BYTES:
            raise ValueError(f"{path}: not the features stage's layout; run that stage")
    return rows, places
