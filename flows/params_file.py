"""Make params.yaml from a recipe and overrides in the format of dvc's -S, and check it."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.tied import tied
from stages.program.outputs import write_whole
from stages.schema.reading import params_of, read_document

RECIPES = Path("flows/recipes")
KEPT = Path(".scratch/params")
MADE_BEFORE = ("manifest", "features", "train")  # the stages that make a model and its data


def prepare(folder: Path, recipe: str | None, overrides: list[str]) -> list[str]:
    """Check the new params.yaml, then write it; return lines to print. ValueError if it is not valid, or if
    the file was edited meanwhile; the file is then left unchanged.

    ``recipe`` is a name from flows/recipes, or the path of any params file. The previous file is kept in
    .scratch/params.
    """
    path = folder / "params.yaml"
    before = path.read_bytes() if path.exists() else b""
    wanted = checked(folder, recipe, overrides)
    if wanted == before:
        return []
    kept = folder / KEPT / f"{hashlib.sha256(before).hexdigest()[:8]}.yaml"
    write_whole(kept, before)
    if path.exists() and path.read_bytes() != before:
        raise ValueError("params.yaml was edited during the check: run again")
    write_whole(path.resolve(), wanted)
    change = " with ".join(filter(None, [recipe and f"is now {recipe}", ", ".join(overrides)]))
    change = change if recipe else f"now has {change}"
    return [f"params.yaml {change}; the previous file is kept in {kept.relative_to(folder)}"]


def checked(folder: Path, recipe: str | None, overrides: list[str]) -> bytes:
    """params.yaml, or a recipe, with overrides; ValueError if it is not valid."""
    source = _recipe(folder, recipe) if recipe else folder / "params.yaml"
    (folder / KEPT).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder / KEPT) as scratch:
        candidate = Path(scratch) / source.name
        shutil.copyfile(source, candidate)
        for override in overrides:
            _apply(candidate, override)
        try:
            check(folder, candidate)
        except ValueError as error:
            raise ValueError(str(error).replace(str(candidate), source.name)) from error
        return candidate.read_bytes()


def other_than_trained(folder: Path, path: Path) -> list[str]:
    """The keys in which a params file differs from the values that made the data, the features and the model
    here. ValueError if nothing has been trained yet.
    """
    stages = read_yaml(folder / "dvc.lock")["stages"] if (folder / "dvc.lock").exists() else {}
    if "train" not in stages:
        raise ValueError("there is no trained model here")
    document = read_document(path)
    trained = {key: value for name in MADE_BEFORE for key, value in _recorded(stages, name).items()}
    there, here = (params_of(given).model_dump(mode="json") for given in ({**document, **trained}, document))
    return [
        f"{key} was {old!r}, but is {new!r} in this file"
        for key, (old, new) in sorted(params_changes(there, here).items())
    ]


def _recorded(stages: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = stages.get(name, {}).get("params", {}).get("params.yaml", {})
    return found


def params_changes(old: Any, new: Any) -> dict[str, list[Any]]:
    """The values that differ between two params files, by path."""
    before, now = _leaves(old), _leaves(new)
    return {
        path: [before.get(path), now.get(path)]
        for path in [*now, *(path for path in before if path not in now)]
        if before.get(path) != now.get(path) or (path in before) != (path in now)
    }


def check(folder: Path, path: Path = Path("params.yaml")) -> None:
    """Check every key, value and class, even if no stage will run; ValueError with all problems."""
    command = tied("stages.commands.check", str(path))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip())


def read_yaml(path: Path) -> Any:
    """Read YAML as DVC does: 1e-4 is a number. ValueError with the file's name if it is not valid YAML."""
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


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        inner = ((f"{path}.{key}" if path else str(key), each) for key, each in value.items())
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        inner = ((f"{path}[{place}]", each) for place, each in enumerate(value))
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for name, each in inner:
        found |= _leaves(each, name)
    return found
