"""The clone that retraining works in: committed code, the newest data, the main checkout's cache.

Nobody's edits are touched, and what is promoted can be rebuilt: its data is in DVC's cache.
"""

import filecmp
import hashlib
import shutil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from flows import dvc
from flows.git import git
from stages.program.outputs import link_or_copy

READ_BY_STAGES = ("params.yaml", "dvc.yaml", "stages", "data")  # data: the .dvc files


def renew(clone: Path, project: Path, drop_folder: Path | None) -> str:
    """Bring the clone to the project's commit and newest data; a fingerprint of all that stages read of it.

    New data is what lies under manifest.root in the project now, what an imported .dvc file's source
    holds, and what lies in the drop folder (laid over manifest.root; ValueError where the two differ).
    """
    if not (clone / ".dvc").is_dir():
        shutil.rmtree(clone, ignore_errors=True)
        git("clone", "--quiet", str(project), str(clone), folder=project)
        _dvc("config", "--local", "cache.dir", str((project / ".dvc" / "cache").resolve()), folder=clone)
        git("config", "user.name", "retraining", folder=clone)
        git("config", "user.email", "retraining@localhost", folder=clone)
    git("fetch", "--quiet", "origin", "HEAD", folder=clone)
    git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", folder=clone)
    git("clean", "--quiet", "-d", "--force", folder=clone)
    _renew_data(clone, project, drop_folder)
    git("add", "--all", folder=clone)
    if git("status", "--porcelain", folder=clone):
        git("commit", "--quiet", "--message", "The data that a retraining found", folder=clone)
    listed = git("ls-files", "--stage", "--", *READ_BY_STAGES, folder=clone)
    return hashlib.sha256(listed.encode()).hexdigest()


def _renew_data(clone: Path, project: Path, drop_folder: Path | None) -> None:
    root = Path(_yaml(clone / "params.yaml")["manifest"]["root"])
    found = root.is_absolute() or _has_files(project / root)
    for path in git("ls-files", "*.dvc", folder=clone).splitlines():
        if "deps" in _yaml(clone / path):
            _dvc("update", path, folder=clone)
            found = found and path != f"{root}.dvc"
        elif path != f"{root}.dvc" or not found:
            _dvc("checkout", path, folder=clone)
    if root.is_absolute():
        if drop_folder:
            raise ValueError(f"a drop folder needs manifest.root inside the project, not {root}")
        return
    if found:
        _mirror(project / root, clone / root)
    if drop_folder:
        _lay_over(drop_folder, clone / root)
    if _has_files(clone / root):
        _dvc("add", "--quiet", str(root), folder=clone)


def _has_files(folder: Path) -> bool:
    return any(path.is_file() and path.name != ".gitkeep" for path in folder.rglob("*"))


def _mirror(source: Path, target: Path) -> None:
    """The same files, under two names where the file system can."""
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(source.rglob("*")):
        if path.is_file() and ".git" not in path.relative_to(source).parts:
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(path, place)


def _lay_over(drop_folder: Path, root: Path) -> None:
    if not drop_folder.is_dir():
        raise ValueError(f"{drop_folder}: no such folder, but it is the drop folder")
    for path in sorted(path for path in drop_folder.rglob("*") if path.is_file()):
        place = root / path.relative_to(drop_folder)
        if place.exists():
            if not filecmp.cmp(path, place, shallow=False):
                raise ValueError(f"{path} is not what manifest.root has under that name; rename it")
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(path, place)


def _dvc(*arguments: str, folder: Path) -> None:
    dvc.answer(*arguments, folder=folder)


def _yaml(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return found
