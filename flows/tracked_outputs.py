"""Keep outputs tracked by git: DVC removes them before it runs a stage, so a stopped run would lose them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flows.params_file import read_yaml


@contextmanager
def kept(folder: Path, stage: str) -> Iterator[None]:
    """Restore those of a stage after the block if it did not write them again."""
    (folder / ".scratch").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=folder / ".scratch", prefix="tracked-") as scratch:
        copies = {path: Path(scratch) / str(number) for number, path in enumerate(_of(folder, stage))}
        for path, copy in copies.items():
            _copy(path, copy)
        try:
            yield
        finally:
            for path, copy in copies.items():
                if not path.exists():
                    _copy(copy, path)


def _of(folder: Path, stage: str) -> list[Path]:
    stages: dict[str, Any] = read_yaml(folder / "dvc.yaml")["stages"]
    written = stages.get(stage, {})
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in written.get(kind, [])]
    options = [item for entry in entries if isinstance(entry, dict) for item in entry.items()]
    return [folder / path for path, how in options if how.get("cache") is False]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
