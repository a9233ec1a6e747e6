"""Training that starts from a checkpoint: names, sizes and frontends that differ from the model's."""

from pathlib import Path

import pytest
import torch
from family import classes_of
from test_initialization import refused, same, save, start, trained, weights
from test_tasks import VOCABULARY, recipe

from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe, pack
from stages.tasks.chords import ChordRecognition
from stages.tasks.task import Task
from stages.tokens.chords import Chords


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    folder.mkdir()
    return folder


def test_beginnings_of_keys_are_renamed_the_longest_first(inputs: Path) -> None:
    names = {"encoder.layers.0.": "norm.", "encoder.layers.": "net.", "head.": "head."}
    foreign = {
        next(new + name.removeprefix(old) for old, new in names.items() if name.startswith(old)): value
        for name, value in weights().items()
    }
    save(inputs, {f"model.{name}": value for name, value in foreign.items()})
    rename = {
        "": "encoder.layers.",
        "net.": "encoder.layers.",
        "norm.": "encoder.layers.0.",
        "head.": "head.",
    }
    task, report, _ = start(inputs, tokens=VOCABULARY, prefix="model.", rename=rename)
    assert same(task, trained()) == set(task.state_dict())
    assert report["renamed"] == [
        "net.1.bias to encoder.layers.1.bias",
        "net.1.weight to encoder.layers.1.weight",
        "norm.bias to encoder.layers.0.bias",
        "norm.weight to encoder.layers.0.weight",
    ]


def test_a_rename_that_cannot_be_meant_is_refused(inputs: Path) -> None:
    save(inputs, weights())
    refused(r"rename: no key of .* starts with 'net\.'; there are encoder", inputs, rename={"net.": ""})
    merging = {"encoder.layers.0.": "x.", "encoder.layers.1.": "x."}
    refused(r"rename: .* would have two weights named x\.bias", inputs, rename=merging)


def test_other_sizes_are_refused_side_by_side(inputs: Path) -> None:
    save(inputs, weights() | {"head.bias": torch.zeros(29)})
    refused(r"shapes: head\.bias is \[29\] there and \[5\] here", inputs, tokens=VOCABULARY)


def test_another_frontend_is_refused_side_by_side_or_reported(inputs: Path) -> None:
    features = recipe().features
    default = {"normalize": True}  # written out, a default is not a difference
    more = {"init_args": {**features.frontend.init_args, **default, "min_hz": 50.0}}
    other = features.model_copy(
        update={"sample_rate": 8000, "frontend": features.frontend.model_copy(update=more)}
    )
    theirs = recipe().model_copy(update={"features": other})
    (inputs / "model.ckpt").write_bytes(pack(theirs, trained().state_dict()))
    refused(
        r"trained on other features: features\.frontend\.min_hz is 50\.0 there and 20\.0 here;"
        r" features\.sample_rate is 8000 there and 16000 here\. Make them the same",
        inputs,
    )
    task, report, _ = start(inputs, strict=False)
    assert same(task, trained()) == set(task.state_dict())
    assert report["frontend"][1] == "features.sample_rate is 8000 there and 16000 here"


def two_vocabularies(cls: type[Task]) -> list[Recipe]:
    """Recipes with a vocabulary, and with a larger one."""
    task = Part(class_path=f"{cls.__module__}.{cls.__name__}")
    if not issubclass(cls, ChordRecognition):
        vocabularies = (VOCABULARY, [*VOCABULARY, "d"])
        return [recipe(vocabulary=found).model_copy(update={"task": task}) for found in vocabularies]
    built = []
    for types in (["major"], ["major", "minor"]):
        tokens = Chords(types)
        tokens.fit([])
        part = Part(class_path="stages.tokens.chords.Chords", init_args={"types": types})
        built.append(recipe(vocabulary=tokens.vocabulary).model_copy(update={"task": task, "tokens": part}))
    return built


@pytest.mark.parametrize("cls", classes_of(Task), ids=lambda cls: cls.__name__)
def test_a_task_names_the_parameters_that_depend_on_its_vocabulary(cls: type[Task]) -> None:
    small, large = (found.build().state_dict() for found in two_vocabularies(cls))
    depending = {name for name, value in small.items() if value.shape != large[name].shape}
    bound = {name for name in small if any(Path(name).match(p) for p in cls.vocabulary_parameters)}
    assert depending == bound
