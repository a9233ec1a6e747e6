"""params.yaml as a run wants it: a recipe, overrides as dvc's -S takes them, and everything checked."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

RECIPES = Path("flows/recipes")


def prepare(folder: Path, recipe: str | None, overrides: list[str]) -> list[str]:
    """Write and check params.yaml; what there is to say about it. ValueError when it is wrong, and the
    file is what it was.

    ``recipe`` is a name from flows/recipes, or the path of any params file. What it replaces is kept under
    .scratch/params.
    """
    path = folder / "params.yaml"
    before = path.read_bytes() if path.exists() else b""
    try:
        if recipe:
            path.write_bytes(_recipe(folder, recipe).read_bytes())
        for override in overrides:
            _apply(path, override)
        check(folder)
    except BaseException:
        path.write_bytes(before)
        raise
    if not recipe or path.read_bytes() == before:
        return []
    kept = folder / ".scratch" / "params" / f"{hashlib.sha256(before).hexdigest()[:8]}.yaml"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(before)
    return [f"params.yaml is now {recipe}; what it was is kept in {kept.relative_to(folder)}"]


@contextmanager
def temporarily(folder: Path, overrides: list[str]) -> Iterator[None]:
    """Overrides for the time of the block."""
    path = folder / "params.yaml"
    before = path.read_bytes()
    try:
        for override in overrides:
            _apply(path, override)
        yield
    finally:
        path.write_bytes(before)


def check(folder: Path) -> None:
    """Every key, value and class, even when nothing will run; ValueError with what is wrong."""
    command = [sys.executable, "-m", "stages.commands.check"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip())


def read_yaml(path: Path) -> Any:
    """As DVC reads YAML, to which 1e-4 is a number; ValueError with the file's name when it is none."""
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, OSError, ValueError) as error:
        raise ValueError(f"{path}: not readable as YAML: {error}") from error


def _recipe(folder: Path, name: str) -> Path:
    if (own := Path(name)).is_file():
        return own
    path = folder / RECIPES / f"{name.removesuffix('.yaml')}.yaml"
    if not path.exists():
        known = ", ".join(sorted(found.stem for found in path.parent.glob("*.yaml")))
        raise ValueError(f"{path.relative_to(folder)}: no such recipe; there are {known}")
    return path


def _apply(path: Path, override: str) -> None:
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import apply_overrides

    try:
        apply_overrides(path, [override])
    except DvcException as error:
        raise ValueError(f"override {override!r}: {error.__cause__ or error}") from error
