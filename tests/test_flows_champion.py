"""A promotion is a git tag; a rollback is a new tag on the commit of an older champion."""

from pathlib import Path

import pytest
from git_folder import git

from flows import champion


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A commit with its metrics."""
    (tmp_path / "artifacts" / "evaluate").mkdir(parents=True)
    (tmp_path / champion.METRICS).write_text('{"wer": 0.25}')
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "model")
    return tmp_path


def promote(repository: Path) -> str:
    """Commit another model, with a tag as of the last version, or made manually."""
    tag = champion.next_tag(repository)
    git(repository, "commit", "-q", "--allow-empty", "-m", f"model of {tag}")
    git(repository, "tag", *(["-a", "-m", f"{tag}: better"] if tag.endswith("2") else []), tag)
    return tag


def roll_back(repository: Path, name: str = "") -> str:
    return champion.restore(champion.to_return_to(name, repository), "worse in use", repository)


def model(repository: Path) -> str:
    now = champion.newest(repository)
    assert now
    return now.model


def test_without_a_promotion_there_is_no_champion(repository: Path) -> None:
    assert champion.current(repository) is None
    with pytest.raises(ValueError, match="nothing to roll back: no model was promoted yet"):
        roll_back(repository)


def test_the_newest_tag_is_the_champion_also_after_the_ninth(repository: Path) -> None:
    tags = [promote(repository) for _ in range(11)]
    assert tags[0] == "champion/0001"
    assert champion.current(repository) == tags[-1] == "champion/0011"
    assert champion.metrics("champion/0011", repository) == {"wer": 0.25}
    assert champion.next_tag(repository) == "champion/0012"


def test_a_rollback_is_a_new_tag_on_the_commit_of_the_champion_before(repository: Path) -> None:
    promote(repository)
    promote(repository)
    assert roll_back(repository) == champion.current(repository) == "champion/0003"
    assert git(repository, "rev-parse", "champion/0003^{}") == git(
        repository, "rev-parse", "champion/0001^{}"
    )
    assert model(repository) == "champion/0001"
    assert str(champion.newest(repository)) == "champion/0003 (the model of champion/0001 again)"
    assert git(repository, "tag", "-n", "--list", "champion/0003").split(maxsplit=1) == [
        "champion/0003",
        "champion/0003: worse in use\n",
    ]
    assert git(repository, "tag", "--list").split() == ["champion/0001", "champion/0002", "champion/0003"]


def test_rollbacks_go_on_to_older_models_and_not_to_what_was_rolled_back(repository: Path) -> None:
    for _ in range(3):
        promote(repository)
    roll_back(repository)
    assert model(repository) == "champion/0002"
    roll_back(repository)
    assert model(repository) == "champion/0001"
    with pytest.raises(
        ValueError, match=r"no champion was before champion/0005 \(the model of champion/0001"
    ):
        roll_back(repository)


def test_after_a_rollback_and_a_promotion_it_goes_to_what_was_there_before(repository: Path) -> None:
    promote(repository)
    promote(repository)
    roll_back(repository)
    assert promote(repository) == "champion/0004"
    roll_back(repository)
    assert model(repository) == "champion/0001"


@pytest.mark.parametrize("name", ["champion/0002", "0002", "2"])
def test_one_can_go_to_any_champion_by_its_name_or_number(repository: Path, name: str) -> None:
    for _ in range(4):
        promote(repository)
    roll_back(repository, name)
    assert model(repository) == "champion/0002"
    roll_back(repository, "champion/0004")  # forward, too
    assert model(repository) == "champion/0004"


def test_what_is_no_other_champion_is_refused(repository: Path) -> None:
    promote(repository)
    promote(repository)
    with pytest.raises(ValueError, match="no champion champion/0007; there are champion/0001, champion/0002"):
        roll_back(repository, "champion/0007")
    with pytest.raises(ValueError, match="no champion best; there are"):
        roll_back(repository, "best")
    with pytest.raises(ValueError, match="champion/0002 is the champion already, as champion/0002"):
        roll_back(repository, "2")
    roll_back(repository)
    with pytest.raises(ValueError, match="champion/0001 is the champion already, as champion/0003"):
        roll_back(repository, "1")


def test_a_number_that_the_last_version_took_back_is_not_given_again(repository: Path) -> None:
    promote(repository)
    (repository / champion.RECORDS).mkdir(parents=True)
    record = "# Promoted, 2025-01-02 03:04\n\n- champion/0002 is the champion now\n"
    (repository / champion.RECORDS / "20250102-030405-promoted.md").write_text(record)
    assert champion.next_tag(repository) == "champion/0003"


def test_other_tags_of_that_kind_are_somebody_elses(repository: Path) -> None:
    git(repository, "tag", "champion/of-the-world")
    assert champion.current(repository) is None
