"""Trials: their results, what prevents them, and their DVC experiments."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from built_once import built_once
from dvc_project import make_project
from prefect_server import Server
from toy_search import search

from flows import dvc_command, trials, tune
from flows.git_command import git
from flows.study import Measured, TrialFailed


class TestATrialsResult:
    def test_is_its_best_epoch(self) -> None:
        table = "epoch,val_wer\n0,0.5\n1,0.25\n2,nan\n3,0.75\n"
        assert trials.best_epoch(table, search()) == Measured(0.25, 1)
        assert trials.best_epoch(table, search(direction="maximize")) == Measured(0.75, 3)

    def test_is_none_where_the_metric_was_never_a_number(self) -> None:
        with pytest.raises(TrialFailed, match="val_wer is not a finite number in any of 2 epochs"):
            trials.best_epoch("epoch,val_wer\n0,nan\n1,\n", search())

    def test_names_the_columns_where_the_metric_is_none_of_them(self) -> None:
        with pytest.raises(ValueError, match=r"'val_per' is not a column of .*, which has epoch, val_wer"):
            trials.best_epoch("epoch,val_wer\n0,0.5\n", search(metric="val_per"))

    def test_is_otherwise_what_the_stage_said_at_its_end(self) -> None:
        printed = [
            "Running stage 'train':",
            "> python -m stages.train",
            "train: params.yaml cannot be used, 1 problem(s):",
            "  lr: Input should be greater than 0, found -3",
            "ERROR: failed to reproduce 'train': failed to run: python -m stages.train, exited with 1",
            "ERROR: failed to reproduce 'train': failed to run: python -m stages.train, exited with 1",
            "",
        ]
        assert trials.reason_of(printed).splitlines() == [
            *printed[2:4],
            printed[4].removeprefix("ERROR: "),
        ]


@pytest.fixture
def with_data(tmp_path: Path) -> Path:
    """A project with data added to dvc, as at the start of a study."""
    copied = shutil.copytree(built_once("study", begin_a_study), tmp_path / "study", symlinks=True)
    git("status", folder=copied)  # refreshes git's index for the copied files
    return copied


def begin_a_study(folder: Path) -> None:
    data = folder / "data" / "raw" / "mine"
    data.mkdir(parents=True)
    (data / "a.wav").write_text("a recording")
    git("init", "-q", folder=folder)
    dvc_command.answer("init", "-q", folder=folder)
    dvc_command.answer("add", "-q", "data/raw/mine", folder=folder)
    git("add", "-A", folder=folder)
    git(*trials._identity(folder), "commit", "-qm", "data", folder=folder)
    trials.begin("toy", folder)


class TestRawDataThatWasEdited:
    """Data changed but not added again, so that it is in no cache."""

    def test_is_none_where_it_is_what_its_dvc_file_says(self, with_data: Path) -> None:
        assert trials.edited_data(with_data) == []

    def test_is_named_with_what_to_do(self, with_data: Path) -> None:
        (with_data / "data" / "raw" / "mine" / "a.wav").write_text("a better one")
        said = "data/raw/mine differs from data/raw/mine.dvc; first `dvc add data/raw/mine`"
        assert trials.edited_data(with_data) == [said]

    def test_keeps_the_winner_from_being_applied(self, with_data: Path) -> None:
        edited = with_data / "data" / "raw" / "mine" / "b.wav"
        edited.write_text("a new one")
        *_, said = tune.finish(search(), "toy-000", with_data, apply_winner=True)
        assert said.startswith("not applied: data/raw/mine differs from")
        assert edited.read_text() == "a new one"


def test_code_that_git_does_not_track_is_named_with_what_to_do(with_data: Path) -> None:
    mine = with_data / "stages" / "models" / "mine.py"
    mine.parent.mkdir(parents=True)
    mine.touch()
    assert trials.untracked_code(with_data) == [
        "stages/models/mine.py: trials only see files tracked by git; `git add` it"
    ]


def test_trials_that_do_not_end_when_they_are_told_to_share_one_grace_period(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dvc_command, "GRACE_SECONDS", 1.0)
    deaf = ["sh", "-c", "trap '' TERM; echo ready; sleep 60"]  # its sleep ignores it, too
    trainings = [
        subprocess.Popen(deaf, stdout=subprocess.PIPE, text=True, start_new_session=True) for _ in range(3)
    ]
    for training in trainings:
        assert training.stdout
        assert training.stdout.readline() == "ready\n"
    began = time.monotonic()
    dvc_command._end_groups(*trainings)
    assert time.monotonic() - began < 2
    assert [training.returncode for training in trainings] == [-signal.SIGKILL] * 3


# The second value of lr makes the loss infinite.
END_TO_END = """
study: toy
metric: val_cer
n_trials: 2
sampler: {class_path: optuna.samplers.GridSampler, init_args: {search_space: {lr: [0.003, 1.0e+30]}}}
search_spaces: {lr: {distribution: categorical, choices: [0.003, 1.0e+30]}}
"""


def test_trials_are_experiments_and_the_best_one_is_applied(tmp_path: Path, server: Server) -> None:
    project = make_project(tmp_path / "project", max_epochs=2, light=True)
    project.environment |= server.environment
    (project.folder / "search.yaml").write_text(END_TO_END)
    edited = project.folder / "README.md"
    edited.write_text(edited.read_text() + "An edit that nobody committed.\n")
    printed = project.run(sys.executable, "-m", "flows.tune", "search.yaml")
    artifacts = {artifact["key"]: artifact for artifact in server.artifacts()}
    refs = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    (best,) = [ref.rpartition("/")[2] for ref in refs if "/toy-" in ref]
    assert {"tune-toy-trials", "tune-toy-history"} <= set(artifacts)
    rows = {row["experiment"]: row for row in json.loads(artifacts["tune-toy-trials"]["data"])}
    assert (rows[best]["state"], rows[best]["lr"]) == ("complete", 0.003)
    assert (rows[""]["state"], rows[""]["lr"]) == ("fail", 1e30)
    assert "the training loss became" in rows[""]["reason"]
    assert "lr: 0.003\n" in (project.folder / "params.yaml").read_text()
    measured = [row["val_cer"] for row in trials.epochs((project.folder / trials.HISTORY).read_text())]
    assert rows[best]["val_cer"] == pytest.approx(min(map(float, measured)), rel=1e-3)  # four digits
    assert len(re.findall("Running stage 'features'", printed)) == 1
    assert edited.read_text().endswith("An edit that nobody committed.\n")
    assert not project.run("git", "stash", "list")
