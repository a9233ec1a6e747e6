"""Stands in for the features stage: the index of every split, and no features."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stages.program.inputs import Inputs
from stages.program.outputs import whole_folder
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.schema.feature_table import INDEX, INDEX_SCHEMA
from stages.schema.manifest_row import manifest_splits, read_manifest

MANIFEST = Path("data/manifest")
STAGE = Stage(
    name="features",
    code=("features.py", "schema", "program"),
    data=lambda params: [MANIFEST, Path(params.features.inputs)],
)


def run(params: schema.Params, inputs: Inputs) -> None:
    with whole_folder(Path("data/features")) as folder:
        for split in manifest_splits(MANIFEST):
            rows = [row.model_dump() for row in read_manifest(MANIFEST / f"{split}.json")]
            (folder / split).mkdir()
            pq.write_table(pa.Table.from_pylist(rows, INDEX_SCHEMA), folder / split / INDEX)


if __name__ == "__main__":
    STAGE.main(run, __doc__)
