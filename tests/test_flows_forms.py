"""The forms of the Prefect UI: help texts, recipes, and the initial search."""

from pathlib import Path
from typing import Any

import pytest
from prefect import Flow

from flows import forms, serving
from flows.dvc_command import PROJECT
from flows.search_space import Search, read_search

FLOWS = {flow.name: flow for flow in (serving.pipeline, serving.retrain, serving.tune)}


def schema(flow: Flow[..., Any]) -> dict[str, Any]:
    return serving._deployment(flow, "form")._parameter_openapi_schema.model_dump()


@pytest.mark.parametrize("name", FLOWS)
def test_every_field_of_a_form_has_help(name: str) -> None:
    form = schema(FLOWS[name])
    for part in (form, *form["definitions"].values()):
        for field, described in part["properties"].items():
            assert described.get("description"), field


def test_the_form_of_the_pipeline_offers_the_recipes_and_takes_a_path() -> None:
    offered, typed, empty = schema(serving.pipeline)["properties"]["recipe"]["anyOf"]
    assert {"an4", "simple_ctc", "deepspeech2"} <= set(offered["enum"])
    assert (typed, empty) == ({"type": "string"}, {"type": "null"})


def test_the_form_of_tune_begins_with_the_search_of_its_file() -> None:
    parameters = serving._deployment(serving.tune, "form", parameters=forms.example_search()).parameters
    search = Search.model_validate(parameters["search"])
    assert search == read_search(PROJECT / forms.EXAMPLE, None)


def test_a_file_that_is_no_search_leaves_the_form_empty_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / forms.EXAMPLE).write_text("study: mine\n")
    assert forms.example_search(tmp_path) == {}
    assert "search_spaces: Field required" in capsys.readouterr().out
