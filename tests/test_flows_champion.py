"""Promotion is a git tag, and a rollback takes the newest one away."""

import subprocess
from pathlib import Path

import pytest

from flows import champion


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A commit with its metrics."""
    (tmp_path / "artifacts" / "evaluate").mkdir(parents=True)
    (tmp_path / champion.METRICS).write_text('{"wer": 0.25}')
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "model"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def promote(repository: Path) -> str:
    tag = champion.next_tag(repository)
    subprocess.run(["git", "tag", tag], cwd=repository, check=True)
    return tag


def test_without_a_promotion_there_is_no_champion(repository: Path) -> None:
    assert champion.current(repository) is None
    with pytest.raises(ValueError, match="nothing to roll back"):
        champion.rollback(repository)


def test_the_newest_tag_is_the_champion_also_after_the_ninth(repository: Path) -> None:
    tags = [promote(repository) for _ in range(11)]
    assert tags[0] == "champion/0001"
    assert champion.current(repository) == tags[-1] == "champion/0011"
    assert champion.metrics("champion/0011", repository) == {"wer": 0.25}


def test_a_rollback_gives_the_one_before(repository: Path) -> None:
    promote(repository)
    promote(repository)
    assert champion.rollback(repository) == "champion/0001"
    assert champion.rollback(repository) is None


def test_other_tags_of_that_kind_are_somebody_elses(repository: Path) -> None:
    subprocess.run(["git", "tag", "champion/of-the-world"], cwd=repository, check=True)
    assert champion.current(repository) is None
