"""dvc.lock is of this very code: python -m pytest -m lock

Not among the default tests, as every edit of a stage outdates it; what lands must have it right.
"""

import json
from pathlib import Path

import pytest
from dvc_project import Project, copy_checkout

HINT = "dvc.lock is older than {}: run make repro, and commit what it changed"


def stale(project: Project) -> dict[str, list[str]]:
    """By stage, what of its code and params is not what dvc.lock says; data and outputs do not count."""
    found: dict[str, list[str]] = {}
    for stage, changes in json.loads(project.dvc("status", "--json")).items():
        deps = {
            path: change
            for reason in changes
            if isinstance(reason, dict)
            for path, change in reason.get("changed deps", {}).items()
        }
        ours = [path for path in deps if path.startswith(("stages/", "params.yaml"))]
        commands = [reason for reason in changes if isinstance(reason, str)]
        if ours or commands:
            found[stage] = sorted([*ours, *commands])
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The checkout's files alone: no data, no outputs."""
    copy_checkout(tmp_path)
    made = Project(tmp_path)
    made.run("git", "init", "-q")
    return made


@pytest.mark.lock
def test_the_lock_is_of_this_code_and_these_params(project: Project) -> None:
    found = stale(project)
    assert not found, HINT.format(found)


def test_a_stale_lock_is_found(project: Project) -> None:
    before = stale(project)
    path = project.folder / "stages" / "export.py"
    path.write_text(path.read_text() + "\n# edited\n")
    project.set({"lr": 0.5})
    after = stale(project)
    assert "stages/export.py" in after["export"]
    assert "params.yaml" in after["train"]
    assert {stage: found for stage, found in after.items() if stage not in ("export", "train")} == {
        stage: found for stage, found in before.items() if stage not in ("export", "train")
    }
