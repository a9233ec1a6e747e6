"""Training that starts from a checkpoint: which weights, with which vocabulary."""

import collections
import json
import math
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from test_tasks import SIMPLE, VOCABULARY, build, recipe
from torch import Tensor

from stages.schema.params import InitFrom
from stages.tasks.checkpoint import pack
from stages.tasks.initialization import initialize
from stages.tasks.optimizer_state import OptimizerState
from stages.tasks.task import Task

DAMAGED = "it is not a file of torch.save, or it is damaged$"
HEAD = ["head.bias", "head.weight"]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    folder.mkdir()
    return folder


def trained() -> Task:
    return build(SIMPLE, seed=7)


def start(inputs: Path, task: Task | None = None, **settings: Any) -> tuple[Task, Any, OptimizerState | None]:
    """A fresh task initialised from inputs/model.ckpt, and the report."""
    task = task or build(SIMPLE, seed=1)
    report = inputs.parent / "logs" / "init_from.json"
    state = initialize(task, recipe(), InitFrom(**{"path": "model.ckpt", **settings}), inputs, report)
    return task, json.loads(report.read_text()), state


def refused(expected: str, inputs: Path, **settings: Any) -> None:
    task = build(SIMPLE, seed=1)
    with pytest.raises(ValueError, match=expected):
        start(inputs, task, **settings)
    assert same(task, build(SIMPLE, seed=1)) == set(task.state_dict()), (
        "nothing is loaded where it is refused"
    )


def same(one: Task, other: Task) -> set[str]:
    return {name for name, value in one.state_dict().items() if value.equal(other.state_dict()[name])}


def save(inputs: Path, content: Any) -> None:
    torch.save(content, inputs / "model.ckpt")


def weights(prefix: str = "") -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in trained().state_dict().items()}


def test_our_own_checkpoint_brings_all_weights_and_its_vocabulary(
    inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (inputs / "model.ckpt").write_bytes(pack(recipe(), trained().state_dict()))
    task, report, state = start(inputs)
    assert same(task, trained()) == set(task.state_dict()) == set(report["loaded"])
    assert report["missing"] == report["unexpected"] == report["reinitialized"] == []
    assert (
        f"weights from {inputs}/model.ckpt:\n  loaded 6: encoder.layers.0.bias, " in capsys.readouterr().out
    )
    assert state is None


def test_another_vocabulary_is_refused_with_the_first_difference(inputs: Path) -> None:
    vocabulary = ["<blank>", " ", "a", "c", "b"]
    (inputs / "model.ckpt").write_bytes(pack(recipe(vocabulary=vocabulary), trained().state_dict()))
    expected = r"another vocabulary \(5 tokens, and training has 5\): token 3 is 'c' there and 'b' here"
    refused(expected, inputs)
    refused("tokens: leave it out", inputs, tokens=vocabulary)


def test_a_shorter_vocabulary_is_refused_too(inputs: Path) -> None:
    save(inputs, weights())
    refused(
        r"4 tokens, and training has 5\): token 4 is nothing there and 'c' here",
        inputs,
        tokens=VOCABULARY[:4],
    )


def test_over_another_vocabulary_the_head_starts_afresh_if_not_strict(inputs: Path) -> None:
    other = ["<blank>", " ", "a", "c", "b"]
    (inputs / "model.ckpt").write_bytes(pack(recipe(vocabulary=other), trained().state_dict()))
    task, report, _ = start(inputs, strict=False)
    assert report["reinitialized"] == HEAD
    assert same(task, build(SIMPLE, seed=1)) >= set(HEAD)
    assert same(task, trained()) == set(report["loaded"]) == set(task.state_dict()) - set(HEAD)


@pytest.mark.parametrize(
    "content", [{"state_dict": weights(), "epoch": 3}, weights()], ids=["Lightning", "bare"]
)
def test_a_file_without_a_vocabulary_needs_its_tokens(inputs: Path, content: Any) -> None:
    save(inputs, content)
    refused("has no vocabulary: list train.init_from.tokens in the order of its output layer", inputs)
    assert same(start(inputs, tokens=VOCABULARY)[0], trained()) == set(weights())
    assert start(inputs, strict=False)[1]["reinitialized"] == HEAD  # in unknown order


def test_a_prefix_is_taken_off_the_beginning_of_keys_only(inputs: Path) -> None:
    extra = {"model.side.model.weight": torch.zeros(2)}
    save(inputs, weights("model.") | extra)
    _, report, _ = start(inputs, tokens=VOCABULARY, prefix="model.", strict=False)
    assert report["unexpected"] == ["side.model.weight"]
    assert len(report["loaded"]) == 6
    refused(r"prefix: no key of .* starts with 'net\.'; there are model\.encoder", inputs, prefix="net.")
    save(inputs, weights("model.") | weights())
    refused("two weights of one name", inputs, prefix="model.", tokens=VOCABULARY)


def test_what_does_not_fit_is_refused_or_reported(inputs: Path) -> None:
    content = weights() | {"decoder.weight": torch.zeros(3), "encoder.layers.1.bias": torch.zeros(9)}
    del content["encoder.layers.0.bias"]
    save(inputs, content)
    settings = {"tokens": VOCABULARY}
    refused(
        r"does not fit the model: set prefix or rename, or strict(.|\n)*missing 1: encoder.layers.0.bias",
        inputs,
        **settings,
    )
    task, report, _ = start(inputs, strict=False, **settings)
    assert report["missing"] == ["encoder.layers.0.bias"]
    assert report["unexpected"] == ["decoder.weight"]
    assert report["reinitialized"] == ["encoder.layers.1.bias"]
    assert same(task, trained()) >= set(report["loaded"])
    assert same(task, build(SIMPLE, seed=1)) >= {"encoder.layers.0.bias", "encoder.layers.1.bias"}


def test_a_file_of_which_nothing_fits_is_refused_even_if_not_strict(inputs: Path) -> None:
    save(inputs, weights("model."))
    refused("no weight fits the model; set prefix or rename", inputs, strict=False, tokens=VOCABULARY)


def test_no_file_runs_code(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("foreign")
    module.Settings = type("Settings", (), {"__module__": "foreign"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "foreign", module)
    save(inputs, {"state_dict": weights(), "hyper_parameters": module.Settings()})
    refused(
        r"would run code \(foreign\.Settings\)\. If you trust it, keep only its weights.*torch\.save\(",
        inputs,
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", DAMAGED),
        (b"RIFF....WAVE", DAMAGED),
        (b"epoch 1\n", DAMAGED),
        (None, "no such file; .*path is relative to"),
    ],
)
def test_what_is_no_checkpoint_is_refused_by_name(inputs: Path, content: bytes | None, expected: str) -> None:
    if content is not None:
        (inputs / "model.ckpt").write_bytes(content)
    refused(rf"model\.ckpt: {expected}", inputs)


def test_a_file_of_other_content_is_refused_with_its_keys(inputs: Path) -> None:
    save(inputs, {"model": weights(), "args": 1})
    refused("expected weights by name, at the top or under state_dict; found model, args", inputs)
    for content in ([1], {"state_dict": [1]}, {1: torch.zeros(1)}, {"state_dict": {1: torch.zeros(1)}}):
        save(inputs, content)
        refused("expected weights by name", inputs)
    save(inputs, {})
    refused("or under state_dict; found nothing", inputs)


@pytest.mark.parametrize("recipe", [5, None, "", "{}", "[]", "{", {"vocabulary": []}])
def test_a_recipe_that_is_none_of_ours_is_refused(inputs: Path, recipe: object) -> None:
    save(inputs, {"recipe": recipe, "state_dict": weights()})
    refused(r"model\.ckpt: its recipe is not one of Earshot's: .", inputs)


def test_weights_of_whole_numbers_are_refused(inputs: Path) -> None:
    save(inputs, {name: weight.long() for name, weight in weights().items()})
    refused(r"is torch\.int64, but the model's torch\.float32", inputs, tokens=VOCABULARY)


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_weights_that_are_no_numbers_are_refused_by_name(inputs: Path, value: float) -> None:
    content = weights()
    content["encoder.layers.1.bias"][2] = value
    save(inputs, content)
    refused(r"model\.ckpt: encoder\.layers\.1\.bias is not finite", inputs, tokens=VOCABULARY)


def test_a_link_out_of_the_inputs_is_refused(inputs: Path, tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "elsewhere.ckpt")
    (inputs / "model.ckpt").symlink_to(tmp_path / "elsewhere.ckpt")
    refused("a link outside train.inputs", inputs)


def test_safetensors_are_read_where_the_package_is(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inputs / "model.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    refused("pip install safetensors", inputs, path="model.safetensors")
    monkeypatch.undo()
    package = pytest.importorskip("safetensors.torch")
    package.save_file(weights(), inputs / "model.safetensors")
    assert same(start(inputs, path="model.safetensors", tokens=VOCABULARY)[0], trained()) == set(weights())


def test_an_ordered_dictionary_of_half_precision_is_read_too(inputs: Path) -> None:
    save(inputs, collections.OrderedDict((name, value.half()) for name, value in weights().items()))
    task, _, _ = start(inputs, tokens=VOCABULARY)
    assert {value.dtype for value in task.state_dict().values()} == {torch.float32}
