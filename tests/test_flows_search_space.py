"""Valid search files, and how their values reach params.yaml."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from toy_search import search

from flows import search_space
from flows.search_space import read_search

ROOT = Path(__file__).parents[1]
PARAMS = """
lr: 2.0e-3
train:
  task: {init_args: {encoder: {init_args: {dropout: 0.1}}}}
  augment: [{init_args: {num_time_masks: 3}}]
  batching: {max_batch_seconds: 20.0, max_batch_size: null}
"""


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
            "sampler.init_args.seed: must not be set here: it is the search's own seed",
            "search_spaces.lr.low: Input should be greater than 0, found 0.0",
            "search_spaces.train.augment[1].init_args.num_time_masks: not in params.yaml: 1 is not among 0",
            "search_spaces.train.batching: low (0.3) must be less than high (0.2)",
            "search_spaces.train.batching: not a single value; "
            "choose a value inside it: max_batch_seconds, max_batch_size",
            "search_spaces.train.batching.max_batch_size.choices: ",
            "search_spaces.train.batching.max_batch_seconds: Input tag 'normal'",
            "search_spaces.train.dropout.step: Extra inputs are not permitted",
            "search_spaces.train.dropout: not in params.yaml: 'dropout' is not among task, augment, batching",
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

    def test_values_that_the_params_cannot_have_and_a_metric_that_nothing_logs_are_refused_at_once(
        self,
    ) -> None:
        params = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())
        dropout = "train.task.init_args.encoder.init_args.dropout"
        spaces = {
            dropout: {"distribution": "uniform", "low": 0.0, "high": 1.5},
            "train.trainer.max_epochs": {"distribution": "categorical", "choices": ["many", 3]},
        }
        asked = search(search_spaces=spaces, metric="val_werr")
        low, metric, high = search_space.impossible(asked, params, ROOT)
        assert low.startswith(
            "params.yaml with all searched values at their low end: train.trainer.max_epochs:"
        )
        assert metric.startswith("metric: not a logged metric; logged are train_loss, ")
        assert metric.endswith("found 'val_werr'")
        assert high.startswith(f"params.yaml with all searched values at their high end: {dropout}:")

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
