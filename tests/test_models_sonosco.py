"""Deep Speech 2, Listen-Attend-Spell and TDS: their arguments, frame rates, and the sizes of Sonosco.

B batch, T frames, F features.
"""

import numpy as np
import pytest
import torch
from test_tasks import recipe

from stages.batching.batch import Example, collate
from stages.models.deep_speech2 import DeepSpeech2
from stages.models.listener import Listener
from stages.models.recurrent import turned
from stages.models.tds import TDS
from stages.schema.part import Part
from stages.tasks.task import Task

MODELS = "stages.models."
LENGTHS = torch.tensor([1, 2, 3, 8, 9, 100])
FULL_SIZES = {
    "Deep Speech 2": {
        "encoder": {
            "class_path": f"{MODELS}deep_speech2.DeepSpeech2",
            "init_args": {"hidden_size": 800, "num_layers": 5, "channels": 32},
        },
    },
    "Listen, Attend and Spell": {
        "encoder": {
            "class_path": f"{MODELS}listener.Listener",
            "init_args": {"hidden_size": 256, "reductions": [1, 2, 2, 2], "dropout": 0.2},
        },
        "decoder": {
            "class_path": f"{MODELS}speller.Speller",
            "init_args": {"embedding_size": 512, "hidden_size": 512, "num_layers": 2},
        },
    },
    "TDS": {
        "encoder": {
            "class_path": f"{MODELS}tds.TDS",
            "init_args": {
                "channels": [10, 10, 14, 14, 14, 18, 18, 18, 18, 18, 18],
                "kernel_frames": 21,
                "bottleneck": 1024,
                "dropout": 0.2,
            },
        },
        "decoder": {
            "class_path": f"{MODELS}tds_decoder.TDSDecoder",
            "init_args": {"embedding_size": 5, "hidden_size": 512, "value_size": 512},
        },
        "sampling_probability": 0.01,
    },
}


@pytest.mark.parametrize("system", FULL_SIZES)
def test_the_full_size_takes_a_step(system: str) -> None:
    arguments = FULL_SIZES[system]
    name = "seq2seq.Seq2Seq" if "decoder" in arguments else "ctc.CTC"
    base = recipe()
    features = base.features.model_copy(update={"feature_size": 161})
    part = Part(class_path=f"stages.tasks.{name}", init_args=arguments)
    task: Task = base.model_copy(update={"task": part, "features": features}).build().train()
    values = np.random.default_rng(0).normal(size=(2, 64, 161)).astype(np.float32)
    batch = collate([Example("", row, [2, 3], "ab") for row in values])
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-4)
    losses = []
    for _ in range(2):
        total, count = task.loss(task.encode(batch), batch)
        losses.append((total / count).item())
        (total / count).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert np.isfinite(losses).all()
    assert losses[1] != losses[0]


def test_frames_are_turned_round_within_their_utterance() -> None:
    frames = torch.arange(1, 11).view(2, 5, 1)
    found = turned(frames, torch.tensor([5, 3])).squeeze(-1)
    assert found.tolist() == [[5, 4, 3, 2, 1], [8, 7, 6, 9, 10]]
    assert turned(found.unsqueeze(-1), torch.tensor([5, 3])).equal(frames)


def test_deep_speech_2_shortens_time_by_its_strides() -> None:
    assert DeepSpeech2().output_lengths(LENGTHS).tolist() == [1, 1, 2, 4, 5, 50]
    assert DeepSpeech2(frame_strides=(2, 2)).output_lengths(LENGTHS).tolist() == [1, 1, 1, 2, 3, 25]


def test_the_listener_shortens_time_by_its_reductions() -> None:
    assert Listener(reductions=(1, 2, 2, 2)).output_lengths(LENGTHS).tolist() == [1, 1, 1, 1, 2, 13]
    assert Listener(reductions=(1, 1, 1)).output_lengths(LENGTHS).equal(LENGTHS)
    assert Listener(reductions=(3,)).output_lengths(LENGTHS).tolist() == [1, 1, 1, 3, 3, 34]


def test_tds_halves_time_at_every_change_of_channels() -> None:
    assert TDS(channels=(4, 4, 6, 6, 8)).output_lengths(LENGTHS).tolist() == [1, 1, 1, 1, 2, 13]
    assert TDS(channels=(1, 1)).output_lengths(LENGTHS).tolist() == [1, 1, 2, 4, 5, 50]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_either_cell_will_do_for_deep_speech_2(cell: str) -> None:
    part = Part(class_path=f"{MODELS}deep_speech2.DeepSpeech2", init_args={"cell": cell})
    assert part.build(num_features=13)(torch.zeros(1, 9, 13), torch.tensor([9]))[0].shape == (1, 5, 64)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "deep_speech2.DeepSpeech2",
            {"kernel_frames": [11, 4]},
            r"must be odd, to stay centred; found \[4\]",
        ),
        ("deep_speech2.DeepSpeech2", {"kernel_bands": [41]}, "kernel_bands"),
        ("deep_speech2.DeepSpeech2", {"cell": "rnn"}, "'gru' or 'lstm'"),
        ("listener.Listener", {"reductions": []}, "reductions"),
        ("tds.TDS", {"channels": []}, "channels"),
        ("tds.TDS", {"kernel_frames": 8}, "kernel_frames 8 must be odd"),
    ],
)
def test_impossible_shapes_are_refused(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Part(class_path=MODELS + name, init_args=arguments).build(num_features=13)
