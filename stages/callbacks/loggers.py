"""Where a training's numbers go beside history.csv."""

from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from stages.schema.families import LoggerPart


def build_loggers(own: list[LoggerPart], folder: Path, name: str) -> list[Logger]:
    """TensorBoard, CSV and what params.yaml adds, under the run's ``name`` where they take one."""
    tensorboard = TensorBoardLogger(folder, name="tensorboard", version=name)
    steps = CSVLogger(folder / "csv", name=name)  # a version each time that it is resumed: it never appends
    added = [
        part.build(save_dir=folder, **({} if "name" in part.init_args else {"name": name})) for part in own
    ]
    return [tensorboard, steps, *added]
