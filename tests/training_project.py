"""A folder in which the stages run in this process, for tests of training and evaluation."""

import csv
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stages import features, manifest
from stages.preflight.reading import read_params
from stages.tokens.characters import Characters
from stages.tokens.tokens import BLANK

RECIPE = Path(__file__).parents[1] / "flows" / "recipes" / "simple_ctc.yaml"
TINY = {"num_train": 24, "num_validation": 6, "num_test": 6}
Change = Callable[[dict[str, Any]], None]


class Project:
    """A folder with params and features; stages run in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.params = folder / "params.yaml"

    def change(self, change: Change) -> None:
        yaml = YAML(typ="safe", pure=True)
        document = yaml.load(self.params.read_text())
        change(document)
        with self.params.open("w") as stream:
            yaml.dump(document, stream)

    def set(self, changes: dict[str, Any]) -> None:
        """Replace values by their dotted paths."""

        def change(document: dict[str, Any]) -> None:
            for key, value in changes.items():
                *sections, name = key.split(".")
                section = document
                for step in sections:
                    section = section[step]
                section[name] = value

        self.change(change)

    def run(self, stage: Any) -> None:
        stage.STAGE.run(stage.run, self.params, getattr(stage, "clean", None), read_params)

    def json(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())


def recipe_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: Path) -> Project:
    """A recipe of which no stage ran; stages run in its folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("default", "none"):
        (tmp_path / "data" / "raw" / name).mkdir(parents=True)
    made = Project(tmp_path)
    made.params.write_text(recipe.read_text())
    return made


def training_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The tone corpus, small, with its features made; stages run in its folder."""
    made = recipe_project(tmp_path, monkeypatch, RECIPE)

    def shrink(document: dict[str, Any]) -> None:
        document["manifest"]["corpora"][0]["init_args"] = TINY
        document["train"]["trainer"] |= {"max_epochs": 2, "accelerator": "cpu", "enable_model_summary": False}

    made.change(shrink)
    made.run(manifest)
    made.run(features)
    return made


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open() as lines:
        return list(csv.DictReader(lines))


def tone_tokens() -> Characters:
    """A vocabulary for the tone corpus."""
    tokens = Characters()
    tokens.restore([BLANK, *"abcdefghijkl "])
    return tokens


def signal_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: int) -> None:
    """Send this process SIGTERM in the middle of the nth call of a method."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def method(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, method)
