"""A split's manifest as a table: a million rows are some hundred megabytes, not some gigabytes."""

from itertools import islice
from pathlib import Path

import pyarrow as pa

from stages.schema.feature_table import INDEX_SCHEMA
from stages.schema.manifest_row import manifest_rows

CHUNK = 10_000
SCHEMA = pa.schema(
    [
        *INDEX_SCHEMA,
        pa.field("audio_filepath", pa.string(), nullable=False),
        pa.field("offset", pa.float64(), nullable=False),
        pa.field("audio_sha256", pa.string(), nullable=False),
    ]
)


def read_manifest_table(path: Path) -> pa.Table:
    """All rows; ValueError naming file and line of the first one that is wrong."""
    rows = manifest_rows(path)
    batches = []
    while chunk := [dict(row) for row in islice(rows, CHUNK)]:
        batches.append(pa.RecordBatch.from_pylist(chunk, schema=SCHEMA))
    return pa.Table.from_batches(batches, schema=SCHEMA)
