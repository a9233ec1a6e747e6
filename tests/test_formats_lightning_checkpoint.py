"""Weights in Lightning's own layout, as other programs and train.init_from read them."""

from pathlib import Path

import pytest
import torch
from speech_recognition import SpeechRecognition
from test_models_lstm_ctc import SMALL, log_mel, recipe, start

from stages.formats.lightning_checkpoint import LightningCheckpoint
from stages.tasks.task import Task

TO_THE_ORIGINAL = {"encoder.": "model.", "head.": "model.final_fc."}


def write(folder: Path, task: Task, rename: dict[str, str]) -> Path:
    LightningCheckpoint(rename).write(recipe(), task, folder)
    return folder / "lightning.ckpt"


def test_the_original_program_loads_what_was_trained_here(tmp_path: Path) -> None:
    task = recipe().build().eval()
    checkpoint = torch.load(write(tmp_path, task, TO_THE_ORIGINAL), weights_only=True)
    original = SpeechRecognition(hidden_size=SMALL).eval()
    original.load_state_dict({k.replace("model.", ""): v for k, v in checkpoint["state_dict"].items()})
    with torch.no_grad():
        found = original(log_mel().transpose(1, 2).unsqueeze(1)).log_softmax(-1).transpose(0, 1)
        expected, _ = task.exportable()(log_mel(), torch.tensor([300, 300]))
    torch.testing.assert_close(found, expected)


def test_training_starts_from_it_with_the_same_weights(tmp_path: Path) -> None:
    task = recipe().build().eval()
    content = torch.load(write(tmp_path, task, TO_THE_ORIGINAL), weights_only=True)
    again, _ = start(tmp_path, content)
    assert all(weight.equal(again.state_dict()[name]) for name, weight in task.state_dict().items())


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    task = recipe().build()
    first = write(tmp_path, task, {}).read_bytes()
    assert write(tmp_path, task, {}).read_bytes() == first
    assert str(tmp_path).encode() not in first


def test_two_weights_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two weights would have the same name"):
        write(tmp_path, recipe().build(), {"encoder.cnn.0.bias": "x", "encoder.cnn.0.weight": "x"})
