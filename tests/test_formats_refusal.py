"""Messages for models that cannot be exported, such as users may write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from export_project import CACHED_FEATURES
from own_modules import WriteModule, own_modules

from stages.callbacks.export_probe import USUAL
from stages.formats.trial import tried
from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe

CODE = """
import torch
from torch import nn
from stages.models.encoder import Encoder

class Branch(nn.Module):
    def forward(self, hidden):
        return hidden if hidden.sum() > 0 else -hidden

class Own(Encoder):
    output_size = 8
    {claim}

    def __init__(self, num_features: int = 80) -> None:
        super().__init__()
        self.layer, self.branch = nn.Linear(num_features, 8), Branch()

    def forward(self, features, lengths):
        hidden = self.layer(features)
        return {result}, lengths
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteModule]:
    yield from own_modules(tmp_path, monkeypatch, "models")


def said(tmp_path: Path, encoder: str, task: str = "ctc.CTC", **init_args: Any) -> str:
    recipe = Recipe(
        task=Part(
            class_path=f"stages.tasks.{task}", init_args={"encoder": {"class_path": encoder}, **init_args}
        ),
        tokens=Part(class_path="stages.tokens.characters.Characters"),
        vocabulary=["<blank>", " ", "a", "b"],
        features=CACHED_FEATURES,
        frontend=None,
    )
    return tried(recipe, [USUAL], tmp_path)


def test_the_module_that_was_being_computed_is_named(own: WriteModule, tmp_path: Path) -> None:
    module = own("branching", CODE.format(claim="", result="self.branch(hidden)"))
    assert f"{module}.Branch cannot be exported: GuardOnDataDependentSymNode: " in said(
        tmp_path, f"{module}.Own"
    )


def test_an_encoder_may_say_itself_that_it_cannot_be_exported(own: WriteModule, tmp_path: Path) -> None:
    module = own("claiming", CODE.format(claim="exportable = False", result="hidden"))
    assert said(tmp_path, f"{module}.Own").endswith(
        "cannot write this model: Own declares that it cannot (exportable = False)"
    )


def test_a_task_that_has_nothing_to_export_is_not_tried(tmp_path: Path) -> None:
    encoder = "stages.models.simple_ctc.SimpleCTC"
    assert said(tmp_path, encoder, task="seq2seq.Seq2Seq", ctc_weight=0.0) == ""
