"""A folder in which the stages run in this process, for tests of training and evaluation."""

import contextlib
import csv
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from built_once import built_once
from params_document import check_here, set_values
from ruamel.yaml import YAML

from stages import features, manifest
from stages.callbacks import history
from stages.preflight.reading import read_params
from stages.program import verdict
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

    def begin(self, recipe: Path) -> None:
        """Its params, and the empty folders of a checkout."""
        for name in ("default", "none"):
            (self.folder / "data" / "raw" / name).mkdir(parents=True)
        self.params.write_text(recipe.read_text())

    def change(self, change: Change) -> None:
        yaml = YAML(typ="safe", pure=True)
        document = yaml.load(self.params.read_text())
        change(document)
        with self.params.open("w") as stream:
            yaml.dump(document, stream)

    def set(self, changes: dict[str, Any]) -> None:
        """Replace values by their dotted paths."""
        self.change(lambda document: set_values(document, changes))

    def run(self, stage: Any) -> None:
        stage.STAGE.run(stage.run, self.params, read_params)

    def json(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())


def recipe_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: Path) -> Project:
    """A recipe of which no stage ran; stages run in its folder, and draw no pictures of trainings.

    What checks params.yaml in a process of its own does so in this one.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verdict, "_check", lambda _, path, trained: check_here(path, trained))
    monkeypatch.setattr(history, "draw", lambda _: b"")  # two thirds of a short training
    made = Project(tmp_path)
    made.begin(recipe)
    return made


def training_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The tone corpus, small, with its features made; stages run in its folder."""
    made = recipe_project(tmp_path, monkeypatch, RECIPE)
    shutil.copytree(built_once("tones", make_tones), tmp_path, dirs_exist_ok=True)
    return made


def make_tones(folder: Path) -> None:
    made = Project(folder)
    made.begin(RECIPE)
    made.set({
        "manifest.corpora": [{"class_path": "stages.corpora.tones.Tones", "init_args": TINY}],
        "train.trainer.max_epochs": 2,
        "train.trainer.accelerator": "cpu",
        "train.trainer.enable_model_summary": False,
    })  # fmt: skip
    with contextlib.chdir(folder):
        made.run(manifest)
        made.run(features)


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
