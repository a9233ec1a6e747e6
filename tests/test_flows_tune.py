"""Searches: the same search the same values, what a trial's result is, and trials as DVC experiments."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dvc_project import make_project
from prefect_server import run_server
from toy_search import SPACES, search

from flows import dvc, trials, tune, tune_page
from flows.git import git
from flows.search_space import Search
from flows.study import Measured, Proposal, TrialFailed, best_trial, counted, open_study, run_trials, waiting


class Killed(BaseException):
    """What ends a search from outside."""


Run = Callable[[list[Proposal]], list[Measured | TrialFailed]]


def measure(batch: list[Proposal]) -> list[Measured | TrialFailed]:
    """A bowl with its bottom at lr 0.001; a trial without time masks fails."""
    return [
        TrialFailed("train: no masks")
        if proposal.values["train.augment[0].init_args.num_time_masks"] == 0
        else Measured(abs(float(str(proposal.values["lr"])) - 0.001), epoch=2)
        for proposal in batch
    ]


def killed_at(name: str) -> Run:
    def run(batch: list[Proposal]) -> list[Measured | TrialFailed]:
        if any(proposal.name == name for proposal in batch):
            raise Killed
        return measure(batch)

    return run


def history(folder: Path, asked: Search, *runs: Run) -> list[tuple[Any, ...]]:
    """What the trials were and what came of them, after these runs of one study."""
    for run in runs:
        study = open_study(asked, folder / "toy.db")
        try:
            run_trials(study, asked, run)
        except Killed:
            assert waiting(study)
    return [(t.number, t.params, t.value, t.state.name, t.user_attrs) for t in counted(study)]


@pytest.mark.parametrize("parallel_trials", [1, 3])
@pytest.mark.parametrize(
    "sampler",
    [
        {"class_path": "optuna.samplers.TPESampler", "init_args": {"n_startup_trials": 3}},
        {"class_path": "optuna.samplers.RandomSampler"},
        {"class_path": "optuna.samplers.NSGAIISampler", "init_args": {"population_size": 3}},
    ],
    ids=lambda sampler: sampler["class_path"].split(".")[-1],
)
class TestTheSameSearch:
    def test_has_the_same_trials_again(
        self, tmp_path: Path, sampler: dict[str, Any], parallel_trials: int
    ) -> None:
        asked = search(sampler=sampler, parallel_trials=parallel_trials)
        first, second = (history(tmp_path / name, asked, measure) for name in ("first", "second"))
        assert first == second
        assert len({json.dumps(values) for _, values, *_ in first}) == 7
        other = history(
            tmp_path / "other", search(sampler=sampler, parallel_trials=parallel_trials, seed=1), measure
        )
        assert first != other

    def test_has_the_same_trials_when_it_was_killed_and_when_it_was_made_longer(
        self, tmp_path: Path, sampler: dict[str, Any], parallel_trials: int
    ) -> None:
        asked = search(sampler=sampler, parallel_trials=parallel_trials)
        uninterrupted = history(tmp_path / "whole", asked, measure)
        killed = killed_at("toy-004")
        assert history(tmp_path / "killed", asked, killed, killed, measure) == uninterrupted
        history(
            tmp_path / "longer", search(sampler=sampler, parallel_trials=parallel_trials, n_trials=3), measure
        )
        assert history(tmp_path / "longer", asked, measure) == uninterrupted


def test_a_storage_that_cannot_be_opened_is_refused_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"storage: .*nonsense; null keeps the study in"):
        open_study(search(storage="nonsense://x"), tmp_path / "toy.db")


def test_a_trial_that_failed_is_recorded_with_its_reason_and_the_search_goes_on(tmp_path: Path) -> None:
    spaces = {
        **SPACES,
        "train.augment[0].init_args.num_time_masks": {"distribution": "int", "low": 0, "high": 1},
    }
    trials_of = history(tmp_path, search(search_spaces=spaces), measure)
    failed = [trial for trial in trials_of if trial[3] == "FAIL"]
    assert len(trials_of) == 7
    assert 0 < len(failed) < 7
    assert all(attributes == {"reason": "train: no masks"} for *_, attributes in failed)


def test_a_trial_without_all_its_values_does_not_count(tmp_path: Path) -> None:
    asked = search(sampler={"class_path": "optuna.samplers.RandomSampler"})
    uninterrupted = history(tmp_path / "whole", asked, measure)
    study = open_study(asked, tmp_path / "killed" / "toy.db")
    study.ask({"lr": asked.search_spaces["lr"].for_optuna()})  # killed before the others were drawn
    found = history(tmp_path / "killed", asked, measure)
    assert [trial[1:] for trial in found] == [trial[1:] for trial in uninterrupted]


def test_a_grid_ends_when_every_point_was_tried(tmp_path: Path) -> None:
    points = {path: list(space.ends()) for path, space in search().search_spaces.items()}
    points = {path: values[:1] if path != "lr" else values for path, values in points.items()}
    grid = {"class_path": "optuna.samplers.GridSampler", "init_args": {"search_space": points}}
    found = history(tmp_path, search(sampler=grid), measure, measure)
    assert sorted(values["lr"] for _, values, *_ in found) == [0.0001, 0.01]


def test_a_study_that_began_as_another_search_is_refused_once_it_has_trials(tmp_path: Path) -> None:
    open_study(search(metric="val_wre"), tmp_path / "toy.db")
    history(tmp_path, search(), measure)
    with pytest.raises(ValueError, match=r"began with other values of direction, metric: .* another name"):
        open_study(search(metric="val_cer", direction="maximize"), tmp_path / "toy.db")


class TestATrialsResult:
    def test_is_its_best_epoch(self) -> None:
        table = "epoch,val_wer\n0,0.5\n1,0.25\n2,nan\n3,0.75\n"
        assert trials.best_epoch(table, search()) == Measured(0.25, 1)
        assert trials.best_epoch(table, search(direction="maximize")) == Measured(0.75, 3)

    def test_is_none_where_the_metric_was_never_a_number(self) -> None:
        with pytest.raises(TrialFailed, match="val_wer is a number in none of 2 epochs"):
            trials.best_epoch("epoch,val_wer\n0,nan\n1,\n", search())

    def test_names_the_columns_where_the_metric_is_none_of_them(self) -> None:
        with pytest.raises(ValueError, match=r"'val_per' is no column of .*, which has epoch, val_wer"):
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
    """A project with data that was added to dvc, as a study begins with it."""
    data = tmp_path / "data" / "raw" / "mine"
    data.mkdir(parents=True)
    (data / "a.wav").write_text("a recording")
    git("init", "-q", folder=tmp_path)
    dvc.answer("init", "-q", folder=tmp_path)
    dvc.answer("add", "-q", "data/raw/mine", folder=tmp_path)
    git("add", "-A", folder=tmp_path)
    git(*trials._identity(tmp_path), "commit", "-qm", "data", folder=tmp_path)
    trials.begin("toy", tmp_path)
    return tmp_path


class TestRawDataThatWasEdited:
    """And not added since, so that it is in no cache."""

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
        "stages/models/mine.py: trials see only what git tracks: `git add` it"
    ]


def test_the_table_names_values_by_the_ends_of_their_paths_and_marks_the_best(tmp_path: Path) -> None:
    assert tune_page.short_names(["a.x.width", "b.x.width", "lr"]) == {
        "a.x.width": "a.x.width",
        "b.x.width": "b.x.width",
        "lr": "lr",
    }
    asked = search()
    history(tmp_path, asked, measure)
    study = open_study(asked, tmp_path / "toy.db")
    best = best_trial(study)
    assert best
    header, *lines = tune_page.table(study, asked)
    assert header.split() == [
        *("trial", "state", "val_wer", "epoch", "lr"),
        *("num_time_masks", "max_batch_seconds", "dropout", "experiment", "reason"),
    ]
    marked = [line.split() for line in lines if line.startswith("*")]
    assert [(line[1], f"toy-{best.number:03d}" in line) for line in marked] == [(str(best.number), True)]
    assert tune_page.picture(study, "plot_optimization_history", "val_wer").startswith(
        "data:image/png;base64,"
    )
    assert tune_page.picture(study, "plot_param_importances", "val_wer").startswith("data:image/png;base64,")


def test_trials_that_do_not_end_when_they_are_told_to_share_one_grace_period(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dvc, "GRACE_SECONDS", 1.0)
    deaf = ["sh", "-c", "trap '' TERM; echo ready; sleep 60"]  # and so is its sleep
    trainings = [
        subprocess.Popen(deaf, stdout=subprocess.PIPE, text=True, start_new_session=True) for _ in range(3)
    ]
    for training in trainings:
        assert training.stdout
        assert training.stdout.readline() == "ready\n"
    began = time.monotonic()
    dvc._end_groups(*trainings)
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


def test_trials_are_experiments_and_the_best_one_is_applied(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", max_epochs=2)
    (project.folder / "search.yaml").write_text(END_TO_END)
    edited = project.folder / "README.md"
    edited.write_text(edited.read_text() + "An edit that nobody committed.\n")
    (tmp_path / "prefect").mkdir()
    with run_server(tmp_path / "prefect") as server:
        project.environment |= server.environment
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
    assert rows[best]["val_cer"] == min(map(float, measured))
    assert len(re.findall("Running stage 'features'", printed)) == 1
    assert edited.read_text().endswith("An edit that nobody committed.\n")
    assert not project.run("git", "stash", "list")
