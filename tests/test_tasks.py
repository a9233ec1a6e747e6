"""Tasks on handmade batches, and their checkpoints.

B batch, T frames, F features, U tokens, V vocabulary.
"""

import math
from typing import Any

import lightning
import numpy as np
import pytest
import torch

from stages.batching.batch import Batch, Example, collate
from stages.callbacks.lightning_task import LightningTask
from stages.frontends.log_mel import LogMel
from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe
from stages.tasks.ctc import blank_ratio
from stages.tasks.optimization import Optimization
from stages.tasks.task import Hypothesis, Task

NUM_MELS = 16
VOCABULARY = ["<blank>", " ", "a", "b", "c"]
LOG_MEL = Part(class_path="stages.frontends.log_mel.LogMel", init_args={"num_mels": NUM_MELS})
WAVEFORM = Part(class_path="stages.frontends.waveform.Waveform")
SIMPLE = Part(class_path="stages.models.simple_ctc.SimpleCTC", init_args={"hidden_size": 8})
CONFORMER = Part(
    class_path="stages.models.conformer.Conformer",
    init_args={"width": 8, "num_layers": 1, "num_heads": 2, "kernel_size": 3, "subsampling_channels": 2},
)
CTC, SEQ2SEQ = "stages.tasks.ctc.CTC", "stages.tasks.seq2seq.Seq2Seq"
TEXTS = ["ab", "c", "a cab", "bb"]


def recipe(
    encoder: Part = SIMPLE,
    frontend: Part | None = None,
    vocabulary: list[str] = VOCABULARY,
    task: str = CTC,
    **init_args: Any,
) -> Recipe:
    """On cached log-mel, or on cached waveforms with a frontend on the device."""
    cached = FeatureMetadata(
        frontend=LOG_MEL, sample_rate=16000, feature_size=NUM_MELS, frame_shift_seconds=0.01,
        domain="features", dtype="float16",
    )  # fmt: skip
    if frontend:
        changes = {"frontend": WAVEFORM, "feature_size": 1, "domain": "waveform", "dtype": "int16"}
        cached = cached.model_copy(update=changes)
    return Recipe(
        task=Part(class_path=task, init_args={"encoder": encoder.model_dump(), **init_args}),
        tokens=Part(class_path="stages.tokens.characters.Characters"),
        vocabulary=vocabulary,
        features=cached,
        frontend=frontend,
    )


def build(
    encoder: Part = SIMPLE, frontend: Part | None = None, seed: int = 0, task: str = CTC, **init_args: Any
) -> Task:
    torch.manual_seed(seed)
    return recipe(encoder, frontend, task=task, **init_args).build().eval()


@pytest.fixture(
    params=[(SIMPLE, CTC), (CONFORMER, CTC), (CONFORMER, SEQ2SEQ)],
    ids=["SimpleCTC", "Conformer", "Conformer Seq2Seq"],
)
def task(request: pytest.FixtureRequest) -> Task:
    encoder, task = request.param
    return build(encoder, task=task)


def examples(task: Task) -> list[Example]:
    generator = np.random.default_rng(0)
    return [
        Example(
            id=f"utterance {number}",
            values=generator.normal(size=(60 - 9 * number, NUM_MELS)).astype(np.float32),
            target=task.tokens.encode(text),
            text=text,
        )
        for number, text in enumerate(TEXTS)
    ]


def padded(batch: Batch, num_frames: int) -> Batch:
    longer = torch.nn.functional.pad(batch.features, (0, 0, 0, num_frames))
    return Batch(batch.ids, batch.texts, longer, batch.feature_lengths, batch.targets, batch.target_lengths)


def fitted(task: Task) -> LightningTask:
    return LightningTask(task, Optimization(0.1, Part(class_path="torch.optim.SGD"), None))


def loss(task: Task, batch: Batch) -> tuple[float, int]:
    with torch.no_grad():
        total, count = task.loss(task.encode(batch), batch)
    return total.item(), int(count)


@pytest.mark.parametrize("num_frames", [1, 3, 100])
def test_padding_does_not_change_the_loss(task: Task, num_frames: int) -> None:
    batch = collate(examples(task))
    total, count = loss(task, batch)
    assert loss(task, padded(batch, num_frames)) == (pytest.approx(total, rel=1e-5), count)


def test_padding_does_not_change_what_is_recognised(task: Task) -> None:
    batch = collate(examples(task))
    with torch.no_grad():
        assert task.decode(task.encode(padded(batch, 50))) == task.decode(task.encode(batch))


def test_the_loss_of_a_batch_is_the_sum_over_its_utterances(task: Task) -> None:
    alone = [loss(task, collate([example])) for example in examples(task)]
    total, count = loss(task, collate(examples(task)))
    assert total == pytest.approx(sum(total for total, _ in alone), rel=1e-5)
    assert count == sum(count for _, count in alone)


@pytest.mark.parametrize("task", [CTC, SEQ2SEQ])
def test_the_loss_is_divided_by_what_the_model_writes(task: str) -> None:
    made = build(task=task)
    boundaries = 0 if task == CTC else len(TEXTS)  # a decoder also writes the end
    assert loss(made, collate(examples(made)))[1] == sum(map(len, TEXTS)) + boundaries


@pytest.mark.parametrize("encoder", [SIMPLE, CONFORMER], ids=["SimpleCTC", "Conformer"])
def test_log_probabilities_are_normalised(encoder: Part) -> None:
    task = build(encoder)
    batch = collate(examples(task))
    log_probs, lengths = task.encode(batch)
    assert log_probs.shape == (4, int(lengths.max()), len(VOCABULARY))
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(log_probs.shape[:2]))


def test_a_hypothesis_counts_its_blank_frames() -> None:
    path = torch.tensor([[2, 0, 2, 3, 0, 0], [0, 0, 4, 4, 4, 4]])
    log_probs = torch.nn.functional.one_hot(path, len(VOCABULARY)).float()
    found = build().decode((log_probs, torch.tensor([5, 2])))
    assert found == [Hypothesis("aab", 2, 5), Hypothesis("", 2, 2)]
    assert blank_ratio(found) == 4 / 7


def test_utterances_too_short_for_their_transcripts_are_found() -> None:
    # frames / 4, rounded up, and one frame per token and between equal ones
    targets = [[2, 3], [2, 3], [2, 2], [2, 2], [], [2]]
    assert build(CONFORMER).unlearnable([4, 5, 8, 9, 1, 1], targets) == [0, 2]


def test_cached_waveforms_are_as_long_as_their_frames() -> None:
    task = build(SIMPLE, frontend=LOG_MEL)
    assert task.unlearnable([159, 160], [[2, 3], [2, 3]]) == [0]  # one frame, two frames


def test_the_validation_loss_is_that_of_the_whole_split_whatever_the_batches(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: dict[str, float] = {}
    module = fitted(task)
    module.trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: float(value)}))
    total, count = loss(task, collate(examples(task)))
    for sizes in ([4], [3, 1], [1, 1, 1, 1]):
        module.on_validation_epoch_start()
        remaining = examples(task)
        with torch.no_grad():
            for index, size in enumerate(sizes):
                module.validation_step(collate(remaining[:size]), index)
                del remaining[:size]
        module.on_validation_epoch_end()
        assert logged["val_loss"] == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize("split", ["training", "validation"])
def test_a_loss_that_is_no_number_names_the_utterances(task: Task, split: str) -> None:
    batch = collate(examples(task))
    batch.features[2, 5] = math.nan
    expected = f"the {split} loss became nan in epoch 0, batch 7, utterances utterance 0, utterance 1"
    with pytest.raises(ValueError, match=expected):
        getattr(fitted(task), f"{split}_step")(batch, 7)


def test_a_frontend_on_the_device_gives_what_the_cache_would_hold() -> None:
    lengths = torch.tensor([8000, 6001])
    noise = 0.1 * torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))
    waveforms = [(row[:length] * 32767).round() / 32767 for row, length in zip(noise, lengths, strict=True)]
    log_mel = LogMel(num_mels=NUM_MELS)
    cached = [log_mel(row[None], torch.tensor([len(row)]))[0][0].half().float() for row in waveforms]

    def batch_of(values: list[torch.Tensor]) -> Batch:
        return collate([Example(str(row), value.numpy(), [2], "a") for row, value in enumerate(values)])

    on_device = build(CONFORMER, frontend=LOG_MEL).encode(batch_of([row[:, None] for row in waveforms]))
    from_cache = build(CONFORMER).encode(batch_of(cached))
    assert on_device[1].equal(from_cache[1])
    for row, count in enumerate(from_cache[1]):
        torch.testing.assert_close(on_device[0][row, :count], from_cache[0][row, :count], atol=5e-3, rtol=0)
