"""The data in the clone for retraining, on a small DVC project without stages."""

import subprocess
import sys
from pathlib import Path

import pytest
from git_folder import git

from flows import dvc_command, retraining_clone

ROOT = Path("data/raw/default")  # git tracks its .gitkeep


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ROOT).mkdir(parents=True)
    (folder / ROOT / ".gitkeep").touch()
    (folder / "params.yaml").write_text(f"manifest: {{root: {ROOT}}}\n")
    (folder / ".gitignore").write_text("data/raw/*/*\n!data/raw/*/.gitkeep\n")
    git(folder, "init", "-q")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=folder, check=True)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "code")
    return folder


@pytest.fixture
def clone(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(retraining_clone.params_file, "check", lambda *_: None)
    return project.parent / "clone"


def names(clone: Path) -> set[str]:
    return {path.name for path in (clone / ROOT).iterdir()} - {".gitkeep"}


def test_data_in_a_folder_of_which_git_tracks_a_file_are_taken(project: Path, clone: Path) -> None:
    (project / ROOT / "a.flac").write_text("a")
    first = retraining_clone.renew(clone, project, None)
    assert f"{ROOT}.dvc" in git(clone, "ls-files").split()
    assert retraining_clone.renew(clone, project, None) == first
    assert names(clone) == {"a.flac"}


def test_what_was_dropped_once_and_is_gone_is_in_no_later_candidate(
    project: Path, clone: Path, tmp_path: Path
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    retraining_clone.renew(clone, project, drop)
    (drop / "corrupt.flac").write_text("corrupt")
    with_it = retraining_clone.renew(clone, project, drop)
    assert names(clone) == {"corrupt.flac"}
    (drop / "corrupt.flac").unlink()
    assert retraining_clone.renew(clone, project, drop) != with_it
    assert names(clone) == set()
    (project / ROOT / "a.flac").write_text("a")
    dvc_command.answer("add", str(ROOT), folder=without_gitkeep(project))
    (project / ROOT / "a.flac").unlink()
    git(project, "add", "-A")
    git(project, "commit", "-qm", "data that only DVC's cache has")
    (drop / "corrupt.flac").write_text("corrupt")
    retraining_clone.renew(clone, project, drop)
    assert names(clone) == {"a.flac", "corrupt.flac"}
    (drop / "corrupt.flac").unlink()
    retraining_clone.renew(clone, project, drop)
    assert names(clone) == {"a.flac"}


def without_gitkeep(project: Path) -> Path:
    git(project, "rm", "-q", "--cached", str(ROOT / ".gitkeep"))
    return project


def test_a_dvc_command_that_fails_and_says_nothing_is_named(project: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^dvc add: exit code \d+$"):
        dvc_command.answer("add", "--quiet", "absent", folder=project)
