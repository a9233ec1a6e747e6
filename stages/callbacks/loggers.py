"""Loggers of a training's numbers, besides history.csv."""

from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from stages.schema.families import LoggerPart


def build_loggers(own: list[LoggerPart], folder: Path, name: str) -> list[Logger]:
    """TensorBoard, CSV and the loggers of params.yaml, under the run's ``name`` if they take one."""
    tensorboard = TensorBoardLogger(folder, name="tensorboard", version=name)
    steps = CSVLogger(folder / "csv", name=name)  # it never appends: each resume makes a version
    added = [
        part.build(save_dir=folder, **({} if "name" in part.init_args else {"name": name})) for part in own
    ]
    return [tensorboard, steps, *added]
