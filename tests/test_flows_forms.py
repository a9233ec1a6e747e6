"""The forms of the Prefect UI: help beside every field, and the recipes."""

from typing import Any

import pytest
from prefect import Flow

from flows import serving

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
