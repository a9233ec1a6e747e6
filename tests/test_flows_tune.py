"""Searches: what a search file may say, the same search the same values, and trials as DVC experiments."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dvc_project import make_project
from prefect_server import run_server
from ruamel.yaml import YAML

from flows import search_space, trials, tune_page
from flows.search_space import Search, read_search
from flows.study import Measured, Proposal, TrialFailed, best_trial, counted, open_study, run_trials, waiting

ROOT = Path(__file__).parents[1]
PARAMS = """
lr: 2.0e-3
train:
  task: {init_args: {encoder: {init_args: {dropout: 0.1}}}}
  augment: [{init_args: {num_time_masks: 3}}]
  batching: {max_batch_seconds: 20.0, max_batch_size: null}
"""
SPACES: dict[str, Any] = {
    "lr": {"distribution": "loguniform", "low": 1e-4, "high": 1e-2},
    "train.augment[0].init_args.num_time_masks": {"distribution": "int", "low": 0, "high": 5},
    "train.task.init_args.encoder.init_args.dropout": {"distribution": "uniform", "low": 0.0, "high": 0.3},
    "train.batching.max_batch_seconds": {"distribution": "categorical", "choices": [20.0, 40.0]},
}


def search(**changes: Any) -> Search:
    return Search.model_validate({"study": "toy", "n_trials": 7, "search_spaces": SPACES, **changes})


def problems(folder: Path, document: str) -> str:
    (folder / "params.yaml").write_text(PARAMS)
    (folder / "search.yaml").write_text(document)
    with pytest.raises(ValueError, match="cannot be used") as refused:
        read_search(folder / "search.yaml", folder / "params.yaml")
    return str(refused.value)


class TestTheSearchFile:
    def test_the_example_varies_the_default_params(self) -> None:
        assert read_search(ROOT / "flows" / "search.yaml", ROOT / "params.yaml").study == "conformer"

    def test_every_problem_is_named_with_its_key_at_once(self, tmp_path: Path) -> None:
        said = problems(
            tmp_path,
            """
            study: no spaces
            direction: down
            n_trials: 0
            colour: blue
            sampler: {class_path: optuna.samplers.TPESampler, init_args: {seed: 1}}
            search_spaces:
              lr: {distribution: loguniform, low: 0.0, high: 1.0}
              train.augment[1].init_args.num_time_masks: {distribution: int, low: 0, high: 5}
              train.batching: {distribution: uniform, low: 0.3, high: 0.2}
              train.batching.max_batch_size: {distribution: categorical, choices: []}
              train.batching.max_batch_seconds: {distribution: normal, low: 1.0, high: 2.0}
              train.dropout: {distribution: uniform, low: 0.0, high: 0.3, step: 0.1}
            """,
        )
        expected = [
            "study: ",
            "direction: Input should be 'minimize' or 'maximize', found 'down'",
            "n_trials: Input should be greater than or equal to 1, found 0",
            "colour: Extra inputs are not permitted",
            "sampler.init_args.seed: not written here: it is the search's own seed",
            "search_spaces.lr.low: Input should be greater than 0, found 0.0",
            "search_spaces.train.augment[1].init_args.num_time_masks: "
            "not in params.yaml: 1 is missing beside 0",
            "search_spaces.train.batching: low (0.3) must be less than high (0.2)",
            "search_spaces.train.batching: not a single value; "
            "vary one of those in it: max_batch_seconds, max_batch_size",
            "search_spaces.train.batching.max_batch_size.choices: ",
            "search_spaces.train.batching.max_batch_seconds: Input tag 'normal'",
            "search_spaces.train.dropout.step: Extra inputs are not permitted",
            "search_spaces.train.dropout: not in params.yaml: "
            "'dropout' is missing beside task, augment, batching",
        ]
        for line in expected:
            assert f"\n  {line}" in said
        assert len(said.splitlines()) == 1 + len(expected)

    def test_a_number_that_is_written_like_1e_4_is_one(self, tmp_path: Path) -> None:
        (tmp_path / "params.yaml").write_text("lr: 1e-3")
        path = tmp_path / "search.yaml"
        path.write_text("study: s\nsearch_spaces: {lr: {distribution: loguniform, low: 1e-4, high: 1e-2}}")
        found = read_search(path, tmp_path / "params.yaml")
        assert found.search_spaces["lr"].ends() == (0.0001, 0.01)

    def test_values_that_the_params_cannot_have_are_refused_with_their_key(self) -> None:
        params = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())
        dropout = "train.task.init_args.encoder.init_args.dropout"
        spaces = {
            dropout: {"distribution": "uniform", "low": 0.0, "high": 1.5},
            "train.trainer.max_epochs": {"distribution": "categorical", "choices": ["many", 3]},
        }
        low, high = search_space.impossible(search(search_spaces=spaces), params, ROOT)
        assert low.startswith(
            "params.yaml with every searched value at its low end: train.trainer.max_epochs:"
        )
        assert high.startswith(f"params.yaml with every searched value at its high end: {dropout}:")

    @pytest.mark.parametrize(
        ("value", "spelled"),
        [(1e-05, "1e-05"), (3, "3"), (True, "true"), (None, "null"), ("it's, 3", r"'it\'s, 3'")],
    )
    def test_a_value_reaches_the_params_as_what_it_is(self, tmp_path: Path, value: Any, spelled: str) -> None:
        from dvc.utils.hydra import apply_overrides

        (tmp_path / "params.yaml").write_text(PARAMS)
        option = search_space.override("train.augment[0].init_args.num_time_masks", value)
        assert option == f"train.augment.0.init_args.num_time_masks={spelled}"
        apply_overrides(tmp_path / "params.yaml", [option])
        written = YAML(typ="safe", pure=True).load((tmp_path / "params.yaml").read_text())
        assert written["train"]["augment"][0]["init_args"]["num_time_masks"] == value


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


# The second value of lr makes the loss infinite.
END_TO_END = """
study: toy
metric: val_cer
n_trials: 2
sampler: {class_path: optuna.samplers.GridSampler, init_args: {search_space: {lr: [0.003, 1.0e+30]}}}
search_spaces: {lr: {distribution: categorical, choices: [0.003, 1.0e+30]}}
"""


@pytest.mark.slow
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
