"""The order of a candidate's steps: it is judged, then exported, then tagged."""

from pathlib import Path
from typing import Any

import pytest
from git_folder import git
from prefect import State
from prefect.states import Completed, Failed

from flows import candidacy, champion
from flows.candidacy import Candidacy
from flows.gate import Gate, Judgement
from flows.record import Record

STAGES = ["manifest", "features", "train", "evaluate", "export"]


class Way:
    """A project with a champion, its clone, and a log of the steps."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.clone = folder / "project", folder / "clone"
        self.happened: list[str] = []
        self.failing, self.refusals = "", list[str]()
        self.project.mkdir()
        git(self.project, "init", "-q")
        (self.project / "dvc.yaml").write_text("stages:\n" + "".join(f"  {name}: {{}}\n" for name in STAGES))
        (self.project / "imported.dvc").write_text("deps: []\n")
        git(self.project, "add", "-A")
        git(self.project, "commit", "-qm", "code")
        git(self.project, "tag", "champion/0001")
        git(folder, "clone", "-q", str(self.project), str(self.clone))
        for name, value in {"user.name": "t", "user.email": "t@example.org"}.items():
            git(self.clone, "config", name, value)
        monkeypatch.setattr(candidacy, "PROJECT", self.project)
        monkeypatch.setattr(candidacy, "run_stages", self.run)
        monkeypatch.setattr(candidacy, "judge", self.judge)
        monkeypatch.setattr(candidacy.champion, "file", lambda *_: Path())
        monkeypatch.setattr(candidacy.candidate, "same_model", lambda *_: None)
        monkeypatch.setattr(candidacy.run_page, "show", lambda *_: None)
        monkeypatch.setattr(candidacy.run_page, "metrics_table", lambda _: [{"metric": "wer"}])
        monkeypatch.setattr(candidacy.transcript_changes, "changes", lambda *_: [])
        monkeypatch.setattr(candidacy.unreached, "end", self.miss)
        self.record = Record(started="2026-03-04T05:06:07", before="champion/0001")
        self.candidacy = Candidacy(self.record, Gate(), champion.newest(self.project), self.clone)

    def run(self, folder: Path, names: list[str], alone: bool) -> dict[str, State]:
        self.happened += [f"run {name}" for name in names]
        failed = Failed(message=f"{self.failing}: why it failed")
        return {name: failed if name == self.failing else Completed(name="Ran") for name in names}

    def miss(self, names: list[str], after: str) -> dict[str, State]:
        self.happened += [f"{name} missed after {after}" for name in names]
        return {name: Completed(name="NotReached") for name in names}

    def judge(self, *_: Any) -> Judgement:
        self.happened.append("judge")
        return Judgement(self.refusals, "wer 0.2 -> 0.1", "text\n", {"num_utterances": 3}, Path("h.parquet"))

    def go(self) -> None:
        self.candidacy.train()
        self.candidacy.decide()
        if self.record.name == "Promoted":
            self.candidacy.tag()


@pytest.fixture
def way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Way:
    return Way(tmp_path, monkeypatch)


JUDGED = ["run imported.dvc", *(f"run {name}" for name in STAGES[:4]), "judge"]


def test_a_candidate_is_judged_then_exported_then_tagged(way: Way) -> None:
    way.go()
    assert way.happened == [*JUDGED, "run export"]
    assert way.record.name == "Promoted"
    assert way.record.champion == champion.current(way.project) == "champion/0002"
    assert way.record.reasons[0] == "champion/0002 is the champion now"
    assert git(way.project, "rev-parse", "champion/0002^{}").strip() == way.record.commit
    assert "compared with champion/0001" in git(way.project, "tag", "-n", "--list", "champion/0002")


def test_what_is_refused_is_not_exported_but_kept(way: Way) -> None:
    way.refusals = ["worse"]
    way.go()
    assert way.happened == JUDGED
    assert (way.record.name, way.record.reasons) == ("Refused", ["worse", "champion/0001 stays"])
    assert champion.current(way.project) == "champion/0001"
    refs = git(way.clone, "for-each-ref", "--format=%(objectname)", "refs/candidates").split()
    assert refs == [way.record.commit]


def test_data_that_are_refused_are_so_beside_a_champion(way: Way) -> None:
    way.candidacy.refuse(["odd data"])
    assert way.record.said == "odd data; champion/0001 stays"


def test_what_cannot_be_exported_is_no_champion(way: Way) -> None:
    way.failing = "export"
    with pytest.raises(RuntimeError, match=r"^export: why it failed$"):
        way.go()
    assert champion.current(way.project) == "champion/0001"


def test_what_a_failed_stage_kept_from_running_ends(way: Way) -> None:
    way.failing = "train"
    with pytest.raises(RuntimeError, match=r"^train: why it failed$"):
        way.go()
    assert way.happened[-1] == "export missed after train"
    assert way.record.stages[-1] == ["export", "NotReached", ""]


def test_a_rollback_in_the_meantime_is_not_undone(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    git(way.project, "commit", "-q", "--allow-empty", "-m", "meanwhile")
    git(way.project, "tag", "champion/0002")
    with pytest.raises(RuntimeError, match="the champion became champion/0002 after this candidate"):
        way.go()
    assert champion.current(way.project) == "champion/0002"
    monkeypatch.setattr(champion, "next_tag", lambda _: "champion/0002")  # right before the push
    way.record.before = "champion/0002"
    with pytest.raises(RuntimeError, match="git push"):
        way.go()
    assert git(way.project, "log", "-1", "--format=%s", "champion/0002").strip() == "meanwhile"


def test_a_candidate_equal_to_a_model_that_was_rolled_back_says_so(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(way.project, "commit", "-q", "--allow-empty", "-m", "another")
    git(way.project, "tag", "champion/0002")
    champion.restore(champion.to_return_to("", way.project), "worse in use", way.project)
    taken_back = champion.history(way.project)[1]
    monkeypatch.setattr(candidacy.candidate, "same_model", lambda *_: taken_back)
    way.candidacy.before = champion.newest(way.project)
    way.go()
    assert way.record.name == "NothingNew"
    same, since, now = way.record.reasons
    assert same == "the result is champion/0002"
    assert since.startswith("champion/0002 was rolled back to champion/0001 on ")
    assert now == "the champion is champion/0003 (the model of champion/0001 again)"
