"""Stands in for the export stage: a card for each format that is asked for."""

from pathlib import Path

from stages.program.inputs import Inputs
from stages.program.outputs import whole_folder
from stages.program.stage import Stage
from stages.schema import params as schema

CHECKPOINT = Path("artifacts/train/best.ckpt")
STAGE = Stage(
    name="export",
    code=("export.py", "schema", "program"),
    data=lambda _: [CHECKPOINT],
    trained=True,
)


def run(params: schema.Params, inputs: Inputs) -> None:
    with whole_folder(Path("artifacts/export")) as folder:
        for part in params.export.formats:
            (folder / f"{part.class_path}.txt").write_bytes(CHECKPOINT.read_bytes())


if __name__ == "__main__":
    STAGE.main(run, __doc__)
