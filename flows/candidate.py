"""Compare a candidate's data, params and stage outputs with the champion's."""

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from flows import champion
from flows.champion import Champion
from flows.git_command import git, git_bytes
from flows.incoming import unseen
from flows.params_file import read_yaml
from stages.schema.manifest_row import ManifestRow

LOCK = Path("dvc.lock")
MANIFEST = "data/manifest"
JUDGED = ("manifest", "features", "train", "evaluate")  # the stages whose outputs the gate judges


def commit(clone: Path, name: str) -> str:
    """Commit all results in the clone, under a ref that keeps the commit; return the commit."""
    git("add", "--all", folder=clone)
    git("commit", "--quiet", "--allow-empty", "--message", f"The candidate {name}", folder=clone)
    git("update-ref", f"refs/candidates/{name}", "HEAD", folder=clone)
    return git("rev-parse", "HEAD", folder=clone)


def same_model(clone: Path, project: Path) -> Champion | None:
    """The newest champion whose stages had the same inputs and outputs as the candidate's."""
    own = _judged(read_yaml(clone / LOCK))
    for known in reversed(champion.history(project)):
        try:
            theirs = _judged(_at(known.tag, LOCK, project))
        except RuntimeError:  # a tag that was made manually, without dvc.lock
            continue
        if theirs == own:
            return known
    return None


def manifest_digest(clone: Path) -> str | None:
    """DVC's hash of the manifest folder."""
    outs = read_yaml(clone / LOCK)["stages"].get("manifest", {}).get("outs", [])
    return next((out.get("md5") for out in outs if out["path"] == MANIFEST), None)


def params_at(tag: str, project: Path) -> Any:
    return _at(tag, Path("params.yaml"), project)


def corpus_at(tag: str, project: Path) -> dict[str, Any]:
    """The champion's corpus figures; empty if it was promoted before they existed."""
    try:
        found: dict[str, Any] = json.loads(
            git_bytes("show", f"{tag}:artifacts/manifest/metrics.json", folder=project)
        )
    except (RuntimeError, ValueError):
        return {}
    return found


def new_data(before: list[ManifestRow], now: list[ManifestRow]) -> dict[str, float]:
    """Utterances and hours of the training split: in total, new and gone since the champion."""
    new = unseen(before, now)
    gone = unseen(now, before)
    return {
        "new_utterances": len(new),
        "new_hours": sum(row.duration for row in new) / 3600,
        "gone_utterances": len(gone),
        "utterances": len(now),
        "hours": sum(row.duration for row in now) / 3600,
    }


def _at(tag: str, path: Path, project: Path) -> Any:
    text = git_bytes("show", f"{tag}:{path.as_posix()}", folder=project).decode()
    return YAML(typ="safe", pure=True).load(text)


def _judged(lock: Any) -> dict[str, Any]:
    return {name: lock["stages"].get(name) for name in JUDGED}
