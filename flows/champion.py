"""The promoted model: the newest of the git tags champion/0001, champion/0002, ...

A tag's commit holds dvc.lock, params.yaml and metrics.json, so `git checkout TAG && dvc checkout` gives
the model, its data and its features. Deleting the newest tag is a rollback.
"""

import json
from pathlib import Path
from typing import Any

from flows import dvc_command
from flows.dvc_command import METRICS
from flows.git_command import git, git_bytes

PREFIX = "champion/"


def current(folder: Path) -> str | None:
    """The newest champion's tag."""
    return next(iter(_tags(folder)), None)


def metrics(tag: str, folder: Path) -> dict[str, Any]:
    """Its metrics.json."""
    found: dict[str, Any] = json.loads(git_bytes("show", f"{tag}:{METRICS.as_posix()}", folder=folder))
    return found


def file(tag: str, path: Path, folder: Path) -> Path:
    """A copy of a file that DVC keeps, as it was at the tag."""
    commit = git("rev-parse", f"{tag}^{{commit}}", folder=folder)  # a rolled back number is given again
    target = folder / ".scratch" / "champions" / commit / path.name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        dvc_command.answer("get", ".", str(path), "--rev", tag, "--out", str(target), folder=folder)
    return target


def next_tag(folder: Path) -> str:
    newest = current(folder)
    return f"{PREFIX}{int(newest.removeprefix(PREFIX)) + 1 if newest else 1:04d}"


def rollback(folder: Path) -> str | None:
    """Take back the newest promotion; the tag that is the champion then."""
    newest = current(folder)
    if not newest:
        raise ValueError("nothing to roll back: no model was promoted yet")
    git("tag", "-d", newest, folder=folder)
    return current(folder)


def _tags(folder: Path) -> list[str]:
    """Newest first."""
    listed = git("tag", "--list", f"{PREFIX}*", "--sort=-version:refname", folder=folder).split()
    return [tag for tag in listed if tag.removeprefix(PREFIX).isdigit()]
