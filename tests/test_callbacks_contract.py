"""Every callback of stages/callbacks that params.yaml can name, all in one training."""

import inspect
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from family import classes_of, part_of
from lightning.pytorch import Callback
from pydantic import TypeAdapter
from training_project import Project, training_project

from stages import train
from stages.callbacks.blank_collapse import BlankCollapse
from stages.callbacks.epoch_seed import EpochSeed
from stages.callbacks.sample_table import SampleTable
from stages.callbacks.step_log import StepLog
from stages.schema.families import CallbackPart
from stages.schema.part import parameters_of

OUTPUTS = ("best.ckpt", "last.ckpt", "history.csv")


def stands_alone(cls: type[Callback]) -> bool:
    """Whether it can be built from values of params.yaml; the stage builds the others."""
    return all(parameter.default is not inspect.Parameter.empty for parameter in parameters_of(cls).values())


CALLBACKS = [cls for cls in classes_of(Callback, "stages.callbacks") if stands_alone(cls)]


class Killed(BaseException):
    """Ends a training in the middle, as a signal does."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def test_the_callbacks_are_found() -> None:
    assert {BlankCollapse, SampleTable, StepLog} <= set(CALLBACKS)


@pytest.mark.parametrize("cls", CALLBACKS)
def test_params_name_it_and_its_state_survives(cls: type[Callback]) -> None:
    part = TypeAdapter(CallbackPart).validate_python(part_of(cls).model_dump())
    callback, fresh = part.build(), part.build()
    file = io.BytesIO()
    torch.save(callback.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert fresh.state_dict() == callback.state_dict()


def test_a_training_with_all_of_them_resumes_to_the_same_bytes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(callback: EpochSeed, trainer: Any, *_: Any) -> None:
        if trainer.current_epoch == 1:
            raise Killed

    project.set({"train.callbacks": [part_of(cls).model_dump() for cls in CALLBACKS]})
    project.run(train)
    folder = project.folder / "artifacts" / "train"
    uninterrupted = {name: (folder / name).read_bytes() for name in OUTPUTS}
    monkeypatch.setattr(EpochSeed, "on_train_batch_end", kill, raising=False)
    with pytest.raises(Killed):
        project.run(train)
    monkeypatch.delattr(EpochSeed, "on_train_batch_end")
    project.run(train)
    assert {name: (folder / name).read_bytes() for name in OUTPUTS} == uninterrupted
