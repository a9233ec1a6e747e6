"""The manifest of a split as a table: a million rows take some hundred megabytes, not gigabytes."""

from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

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
    """All rows, sorted by id; ValueError naming file and line of the first invalid one."""
    rows = manifest_rows(path)
    batches = []
    while chunk := [dict(row) for row in islice(rows, CHUNK)]:
        batches.append(pa.RecordBatch.from_pylist(chunk, schema=SCHEMA))
    table = pa.Table.from_batches(batches, schema=SCHEMA)
    ids = table["id"]
    if pc.all(
        pc.less(ids.slice(0, max(0, len(ids) - 1)), ids.slice(1))
    ).as_py():  # as the manifest stage writes it
        return table
    return table.sort_by("id")
