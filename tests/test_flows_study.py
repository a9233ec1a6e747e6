"""The study of a search: its trials are reproducible; what it stores and shows of them."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from toy_search import SPACES, search

from flows import tune_page
from flows.search_space import Search
from flows.study import Measured, Proposal, TrialFailed, best_trial, counted, open_study, run_trials, waiting
from flows.trials import state_of

IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@example.org"]


class Killed(BaseException):
    """Ends a search from outside."""


Run = Callable[[list[Proposal]], list[Measured | TrialFailed]]


def measure(batch: list[Proposal]) -> list[Measured | TrialFailed]:
    """A parabola with its minimum at lr 0.001; a trial without time masks fails."""
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
    """The trials and their results after these runs of one study."""
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
    with pytest.raises(ValueError, match=r"storage: .*nonsense; null stores the study in"):
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


def test_on_the_run_page_the_table_shows_four_digits_and_a_picture_no_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: dict[str, Any] = {}
    monkeypatch.setattr(tune_page, "create_table_artifact", lambda rows, key, **_: shown.update({key: rows}))
    monkeypatch.setattr(tune_page, "show_picture", lambda uri, key, **_: shown.update({key: uri}))
    asked = search()
    history(tmp_path, asked, measure)
    study = open_study(asked, tmp_path / "toy.db")
    tune_page.show(study, asked)
    floats = [value for row in shown["tune-toy-trials"] for value in row.values() if isinstance(value, float)]
    assert floats
    assert all(value == float(f"{value:.4g}") for value in floats)
    assert {"tune-toy-trials", "tune-toy-history"} <= set(shown)


def test_what_was_touched_and_is_the_same_is_the_same_state(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("as it is")
    for command in (["init", "-q"], ["add", "file"], [*IDENTITY, "commit", "-qm", "state"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    before = state_of(tmp_path)
    file.write_text("as it is")
    os.utime(file, (0, 0))
    assert state_of(tmp_path) == before
