"""The promoted model: the newest of the git tags champion/0001, champion/0002, ...

A tag's commit contains dvc.lock, params.yaml and metrics.json, so `git checkout TAG && dvc checkout` gives
the model, its data and its features. A rollback is a new tag on the commit of an older one. Tags are never
deleted, and numbers never reused.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows import dvc_command
from flows.dvc_command import METRICS
from flows.git_command import git, git_bytes

PREFIX = "champion/"
RECORDS = Path("artifacts/logs/retrain")  # a readable record of every retraining
IDENTITY = ("-c", "user.name=retraining", "-c", "user.email=retraining@localhost")
FORMAT = "%(refname:strip=2)%00%(objectname)%00%(*objectname)%00%(creatordate:unix)%00%(contents:subject)"


@dataclass(frozen=True)
class Champion:
    """A promotion or a rollback. ``model`` is the tag with which its model was first promoted."""

    tag: str
    commit: str
    when: datetime
    message: str
    model: str

    @property
    def is_rollback(self) -> bool:
        return self.model != self.tag

    def __str__(self) -> str:
        return f"{self.tag} (the model of {self.model} again)" if self.is_rollback else self.tag


def history(folder: Path) -> list[Champion]:
    """All champions, oldest first."""
    listed = git("for-each-ref", f"--format={FORMAT}", f"refs/tags/{PREFIX}", folder=folder)
    rows = [line.split("\0") for line in listed.splitlines()]
    found: list[Champion] = []
    models: dict[str, str] = {}
    for tag, own, target, seconds, message in sorted(
        (row for row in rows if row[0].removeprefix(PREFIX).isdigit()), key=lambda row: _number(row[0])
    ):
        commit = target or own  # a tag made manually may be lightweight
        model = models.setdefault(commit, tag)
        found.append(Champion(tag, commit, datetime.fromtimestamp(int(seconds)), message, model))
    return found


def newest(folder: Path) -> Champion | None:
    return next(reversed(history(folder)), None)


def current(folder: Path) -> str | None:
    """The newest champion's tag."""
    found = newest(folder)
    return found.tag if found else None


def metrics(tag: str, folder: Path) -> dict[str, Any]:
    """Its metrics.json."""
    found: dict[str, Any] = json.loads(git_bytes("show", f"{tag}:{METRICS.as_posix()}", folder=folder))
    return found


def file(tag: str, path: Path, folder: Path) -> Path:
    """A copy of a file tracked by DVC, as it was at the tag."""
    commit = git("rev-parse", f"{tag}^{{commit}}", folder=folder)  # the user may move a tag
    target = folder / ".scratch" / "champions" / commit / path.name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")  # in case the run is killed
        dvc_command.answer(
            "get", ".", str(path), "--rev", tag, "--out", str(partial), "--force", folder=folder
        )
        partial.replace(target)
    return target


def next_tag(folder: Path) -> str:
    """One that no champion ever had: records know those whose tags were deleted, too."""
    known = [champion.tag for champion in history(folder)]
    for path in (folder / RECORDS).glob("*.md"):
        known += re.findall(rf"\b{PREFIX}\d+", path.read_text(encoding="utf-8"))
    return f"{PREFIX}{max(map(_number, known), default=0) + 1:04d}"


def to_return_to(name: str, folder: Path) -> Champion:
    """The champion with that name or number; without one, the champion before the current model. ValueError
    if there is none.
    """
    known = history(folder)
    if not known:
        raise ValueError("nothing to roll back: no model has been promoted yet")
    now = known[-1]
    if not name:
        before = [champion for champion in known if _number(champion.tag) < _number(now.model)]
        if not before:
            raise ValueError(f"nothing to roll back to: {now} is the first champion")
        return before[-1]
    digits = name.removeprefix(PREFIX)
    named = [champion for champion in known if digits.isdigit() and _number(champion.tag) == int(digits)]
    if not named:
        raise ValueError(f"no champion {name}; there are {', '.join(champion.tag for champion in known)}")
    if named[0].commit == now.commit:
        raise ValueError(f"{named[0].tag} is already the champion, as {now.tag}")
    return named[0]


def model_of(tag: str, folder: Path) -> str:
    """The tag with which its model was first promoted; the tag itself if it no longer exists."""
    return next((champion.model for champion in history(folder) if champion.tag == tag), tag)


def fate(model: str, folder: Path) -> str:
    """What happened to the model promoted with that tag; empty while it is the champion."""
    known = history(folder)
    places = [place for place, champion in enumerate(known) if champion.model == model]
    if not places:
        return f"{model} was removed"
    if places[-1] == len(known) - 1:
        return ""
    after = known[places[-1] + 1]
    became = f"rolled back to {after.model}" if after.is_rollback else f"replaced by {after.tag}"
    return f"{model} was {became} on {after.when:%Y-%m-%d %H:%M}"


def restore(chosen: Champion, reason: str, folder: Path) -> str:
    """Make its model the champion again and return the new tag."""
    tag = next_tag(folder)
    git(*IDENTITY, "tag", "--annotate", tag, chosen.commit, "--message", f"{tag}: {reason}", folder=folder)
    return tag


def _number(tag: str) -> int:
    return int(tag.removeprefix(PREFIX))
