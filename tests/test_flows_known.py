"""The result for a candidate that was judged before, also if the champion has changed since."""

from pathlib import Path

import pytest
from git_folder import git

from flows import champion, retrain


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two champions only."""
    git(tmp_path, "init", "-q")
    for number in (1, 2):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "model")
        git(tmp_path, "tag", f"champion/000{number}")
    monkeypatch.setattr(retrain, "PROJECT", tmp_path)
    return tmp_path


def known(project: Path, said: str) -> str:
    judged = project / "judged"
    judged.write_text(f"judged on 2026-03-04 05:06, {said}")
    return retrain._known(judged, champion.newest(project))


def roll_back(project: Path) -> None:
    champion.restore(champion.to_return_to("", project), "worse in use", project)


def test_what_was_never_judged_is_not_known(project: Path) -> None:
    assert retrain._known(project / "absent", champion.newest(project)) == ""


@pytest.mark.parametrize(
    "said",
    [
        "Promoted: champion/0002 is the champion now; better",
        "NothingNew: the result is champion/0002",
        "NothingNew: what comes out is champion/0002",  # an earlier version's
    ],
)
def test_a_champion_that_was_rolled_back_stays_so_and_is_not_called_the_champion(
    project: Path, said: str
) -> None:
    assert known(project, said).endswith("to judge it again); the champion is champion/0002")
    roll_back(project)
    told = known(project, said)
    assert "is the champion now" not in told
    assert "; champion/0002 was rolled back to champion/0001 on " in told
    assert told.endswith("; the champion is champion/0003 (the model of champion/0001 again)")


def test_a_champion_whose_tag_the_last_version_deleted_was_taken_back(project: Path) -> None:
    told = known(project, "Promoted: champion/0007 is the champion now; better")
    assert told.endswith("; champion/0007 was removed; the champion is champion/0002")


@pytest.mark.parametrize("why", ["wer 0.2000 -> 0.3000", "duration of the 64 new utterances differs"])
def test_one_that_was_refused_is_judged_again_only_beside_another_model(project: Path, why: str) -> None:
    said = f"Refused: {why}; champion/0002 stays"
    assert "champion/0002 stays" in known(project, said)
    roll_back(project)
    assert known(project, said) == ""
    champion.restore(champion.to_return_to("2", project), "better after all", project)
    assert "champion/0002 stays" in known(project, said)
