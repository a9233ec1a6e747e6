"""Retrainings that are killed at critical moments, and how the next one recovers."""

import logging
from pathlib import Path
from typing import Any

import pytest
from git_folder import git

from flows import champion, publication, retraining_clone, run_page
from flows.champion import RECORDS
from flows.exhibits import Exhibits
from flows.record import Record, kept


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc" / "config").touch()
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "code")
    return folder


@pytest.fixture
def told(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The notifications."""
    said: list[str] = []
    monkeypatch.setattr(publication, "PROJECT", project)
    monkeypatch.setattr(publication, "FOLDER", project / RECORDS)
    monkeypatch.setattr(publication, "notify", said.append)
    monkeypatch.setattr(run_page, "get_run_logger", logging.getLogger)
    return said


def promotion(project: Path, tag: str) -> Record:
    """A noted promotion; its tag would be next."""
    record = Record(started="2026-03-04T05:06:07", started_by="its schedule", name="Promoted", champion=tag)
    record.commit = git(project, "rev-parse", "HEAD").strip()
    record.reasons = [f"{tag} is the champion now", "better"]
    publication.prepare(record, Exhibits())
    return record


def test_a_promotion_whose_retraining_was_killed_after_the_tag_is_told_by_the_next(
    project: Path, told: list[str]
) -> None:
    record = promotion(project, "champion/0001")
    git(project, "tag", "champion/0001")
    assert list(kept(project / RECORDS)) == []
    for _ in range(2):
        publication.publish_noted()
        (known,) = kept(project / RECORDS)
        assert (known.champion, known.commit) == ("champion/0001", record.commit)
        assert known.started_by == "its schedule"
        assert known.reasons[1:] == ["better", "reported by the next retraining, because this one was killed"]
        (said,) = told
        assert said.startswith("Earshot retraining: Promoted. champion/0001 is the champion now; ")


def test_one_that_was_killed_before_the_tag_never_was(project: Path, told: list[str]) -> None:
    promotion(project, "champion/0001")
    assert champion.next_tag(project) == "champion/0001"
    git(project, "commit", "-q", "--allow-empty", "-m", "another")
    git(project, "tag", "champion/0001")
    publication.publish_noted()
    assert list((project / RECORDS).iterdir()) == []
    assert told == []


def test_a_promotion_that_is_told_is_told_once(project: Path, told: list[str]) -> None:
    record = promotion(project, "champion/0001")
    git(project, "tag", "champion/0001")
    publication._record(record, Exhibits())
    publication.publish_noted()
    assert told == []
    assert record.reasons == ["champion/0001 is the champion now", "better"]


def test_locks_that_a_killed_run_left_in_the_clone_are_in_nobodys_way(project: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    retraining_clone._begin(clone, project)
    (clone / ".dvc" / "tmp").mkdir()
    (clone / ".dvc" / "tmp" / "rwlock").write_text('{"params.yaml": {"read": [{"pi')  # killed while writing
    for lock in ("index.lock", "HEAD.lock", "refs/tags/champion.lock"):
        (clone / ".git" / lock).touch()
    retraining_clone._begin(clone, project)
    (clone / "new").touch()
    git(clone, "add", "-A")
    git(clone, "tag", "champion")
    assert not (clone / ".dvc" / "tmp" / "rwlock").exists()


def test_a_champions_file_is_whole_or_not_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "tag", "champion/0001")
    texts = iter(["ha", "whole"])

    def get(*arguments: str, **_: Any) -> None:
        text = next(texts)
        Path(arguments[arguments.index("--out") + 1]).write_text(text)
        if text != "whole":
            raise KeyboardInterrupt

    monkeypatch.setattr(champion.dvc_command, "answer", get)
    with pytest.raises(KeyboardInterrupt):
        champion.file("champion/0001", Path("hypotheses.parquet"), project)
    assert champion.file("champion/0001", Path("hypotheses.parquet"), project).read_text() == "whole"
