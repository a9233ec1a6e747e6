"""The sequence-to-sequence task: its decoder's inputs and outputs, and the parts of its loss.

B batch, T frames, U tokens, V vocabulary.
"""

from typing import Any

import pytest
import torch
from test_tasks import CONFORMER, SEQ2SEQ, SIMPLE, VOCABULARY, build, examples, fitted
from torch import Tensor

from stages.batching.batch import Batch, collate
from stages.losses.ctc_loss import ctc_loss
from stages.models.decoder import Decoder
from stages.schema.part import Part
from stages.search.decoder_beam import DecoderBeam
from stages.tasks.seq2seq import Seq2Seq
from stages.tasks.task import Task

DECODERS = [
    Part(class_path="stages.models.speller.Speller"),
    Part(class_path="stages.models.tds_decoder.TDSDecoder", init_args={"soft_window_epochs": 0}),
]


def made(**init_args: Any) -> Seq2Seq:
    task = build(SIMPLE, task=SEQ2SEQ, **init_args)
    assert isinstance(task, Seq2Seq)
    return task


def loss(task: Task, batch: Batch) -> Tensor:
    total, count = task.loss(task.encode(batch), batch)
    return total / count


def test_the_blank_starts_and_ends_a_text() -> None:
    task = made()
    batch = collate([example for example in examples(task) if example.text in ("ab", "c")])
    inputs, aims, lengths = task.bounded(batch.targets, batch.target_lengths)
    assert inputs.tolist() == [[0, 2, 3], [0, 4, 0]]
    assert aims.tolist() == [[2, 3, 0], [4, 0, 0]]
    assert lengths.tolist() == [3, 2]


def test_what_fills_a_batch_up_is_nothing_to_read_or_write() -> None:
    task = made()
    filled = task.bounded(torch.tensor([[2, 3, 4, 4]]), torch.tensor([2]))
    assert [part.tolist() for part in filled] == [[[0, 2, 3, 0, 0]], [[2, 3, 0, 0, 0]], [3]]


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_scheduled_sampling_replaces_the_stated_share(probability: float) -> None:
    torch.manual_seed(0)
    task = made(sampling_probability=probability)
    torch.nn.init.zeros_(task.decoder.output.weight)
    with torch.no_grad():  # it predicts only the boundary, which texts do not contain
        task.decoder.output.bias.copy_(torch.tensor([50.0, 0.0, 0.0, 0.0, 0.0]))
    inputs = torch.randint(1, 5, (100, 101))
    encoded = torch.zeros(100, 3, task.encoder.output_size), torch.full((100,), 3)
    sampled = task.sampled(encoded, inputs, torch.full((100,), 101))
    assert sampled[:, 0].equal(inputs[:, 0])
    share = (sampled != inputs)[:, 1:].double().mean().item()
    assert share == pytest.approx(probability, abs=3.5 * (probability * (1 - probability) / 10_000) ** 0.5)


def test_replacements_follow_the_models_probabilities() -> None:
    torch.manual_seed(0)
    task = made(sampling_probability=1.0)
    torch.nn.init.zeros_(task.decoder.output.weight)
    with torch.no_grad():
        task.decoder.output.bias.copy_(torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4]).log())
    encoded = torch.zeros(100, 3, task.encoder.output_size), torch.full((100,), 3)
    sampled = task.sampled(encoded, torch.zeros(100, 101, dtype=torch.int64), torch.full((100,), 101))
    shares = torch.bincount(sampled[:, 1:].flatten(), minlength=5) / 10_000
    torch.testing.assert_close(shares, torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4]), atol=0.02, rtol=0)


def test_a_loss_that_is_no_number_is_named_where_training_samples_too() -> None:
    task = made(sampling_probability=0.9).train()
    batch = collate(examples(task))
    batch.features[2, 5] = torch.nan
    with pytest.raises(ValueError, match="the training loss became nan in epoch 0, batch 7, utterances utt"):
        fitted(task).training_step(batch, 7)


def test_validation_never_samples() -> None:
    batch = collate(examples(made()))
    with torch.no_grad():
        assert loss(made(sampling_probability=1.0), batch).equal(loss(made(), batch))


def test_the_joint_loss_is_the_weighted_sum() -> None:
    tasks = [made(ctc_weight=weight, label_smoothing=0.0) for weight in (0.0, 0.3)]
    tasks[0].load_state_dict({n: w for n, w in tasks[1].state_dict().items() if not n.startswith("head.")})
    batch = collate(examples(tasks[0]))
    with torch.no_grad():
        hidden, lengths = tasks[1].encode(batch)
        assert tasks[1].head is not None
        ctc, _ = ctc_loss(
            tasks[1].head(hidden).log_softmax(-1), lengths, batch.targets, batch.target_lengths, 0
        )
        attention, joint = (task.loss(task.encode(batch), batch)[0] for task in tasks)
    torch.testing.assert_close(joint, 0.7 * attention + 0.3 * ctc)


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda part: part.class_path.rpartition(".")[2])
def test_a_gradient_reaches_every_parameter(decoder: Part) -> None:
    task = build(CONFORMER, task=SEQ2SEQ, decoder=decoder.model_dump(), sampling_probability=0.3).train()
    loss(task, collate(examples(task))).backward()
    untouched = [n for n, weight in task.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not untouched


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda part: part.class_path.rpartition(".")[2])
def test_it_learns_a_batch_by_heart_and_writes_it_by_itself(decoder: Part) -> None:
    task = made(decoder=decoder.model_dump(), label_smoothing=0.0).train()
    batch = collate(examples(task))
    optimizer = torch.optim.Adam(task.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss(task, batch).backward()
        optimizer.step()
    with torch.no_grad():
        found = task.eval().decode(task.encode(batch))
    assert [hypothesis.text for hypothesis in found] == batch.texts


def test_error_rates_come_from_what_it_writes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_at_once(*_: Any) -> Tensor:
        raise AssertionError("teacher-forced")

    task = made()
    encoded = task.encode(collate(examples(task)))
    monkeypatch.setattr(Decoder, "forward", all_at_once)
    assert len(task.decode(encoded)) == 4


def test_n_best_texts_are_alternatives() -> None:
    task = made()
    found = task.decode(task.encode(collate(examples(task))), DecoderBeam(beam_width=4, num_best=3))
    for hypothesis in found:
        assert len(hypothesis.alternatives) == len(set(hypothesis.alternatives)) == 3
        assert hypothesis.alternatives[0] == hypothesis.text


def test_the_decoder_knows_the_epoch() -> None:
    task = made()
    batch = collate(examples(task))
    task.current_epoch = 7
    task.loss(task.encode(batch), batch)
    assert task.decoder.epoch == 7


def test_what_is_exported_is_the_ctc_branch() -> None:
    task = made()
    batch = collate(examples(task))
    log_probs, counts = task.exportable()(batch.features, batch.feature_lengths)
    assert log_probs.shape == (4, int(counts.max()), len(VOCABULARY))
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(log_probs.shape[:2]))


def test_texts_longer_than_the_search_writes_are_counted() -> None:
    task = made()  # one encoder frame per cached frame
    targets = [[2] * 3, [2] * 4, [2] * 5]
    assert task.unwritable([4, 4, 4], targets) == [2]
    assert task.unwritable([4, 4, 4], targets, DecoderBeam(max_tokens_per_frame=0.75)) == [1, 2]


def test_without_a_ctc_branch_any_length_is_learnable_and_nothing_exportable() -> None:
    task = made(ctc_weight=0.0)
    assert task.unlearnable([1, 1], [[2, 3], [2, 2]]) == []
    assert made().unlearnable([1, 2], [[2, 3], [2, 3]]) == [0]
    with pytest.raises(ValueError, match="ctc_weight is 0"):
        task.exportable()
