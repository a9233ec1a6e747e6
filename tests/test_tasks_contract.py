"""Every task of stages/tasks: what stages/tasks/task.py promises of its methods.

B batch, T frames, F features, V vocabulary.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from family import classes_of, part_of
from padding import PADDINGS, padded

from stages.batching.batch import Batch, Example, collate
from stages.frontends.log_mel import LogMel
from stages.models.simple_ctc import SimpleCTC
from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import parameters_of
from stages.tasks.checkpoint import Recipe
from stages.tasks.chords import ChordRecognition
from stages.tasks.ctc import CTC
from stages.tasks.seq2seq import Seq2Seq
from stages.tasks.task import Task
from stages.tokens.tokens import Tokens

TASKS = classes_of(Task)
VOCABULARIES = classes_of(Tokens)
NUM_FEATURES = 12
FEATURES = FeatureMetadata(
    frontend=part_of(LogMel), sample_rate=8000, feature_size=NUM_FEATURES, frame_shift_seconds=0.01,
    domain="features", dtype="float16",
)  # fmt: skip
SAID = {"text": ["a cab", "bb", "c"], "chords": ["C:major/C", "D:min7/F", "G:dom7/G"]}


def recipe(cls: type[Task]) -> Recipe:
    """With its defaults, but the smallest encoder if it takes one, and the first tokens that suit it."""
    tokens = part_of(next(found for found in VOCABULARIES if found.content == cls.content))
    fitted: Tokens = tokens.build()
    fitted.fit(SAID[cls.content])
    encoder = {"encoder": part_of(SimpleCTC, hidden_size=8).model_dump()}
    return Recipe(
        task=part_of(cls, **(encoder if "encoder" in parameters_of(cls) else {})),
        tokens=tokens,
        vocabulary=fitted.vocabulary,
        features=FEATURES,
        frontend=None,
    )


def build(cls: type[Task], seed: int = 0) -> Task:
    torch.manual_seed(seed)
    return recipe(cls).build().eval()


@pytest.fixture(params=TASKS, ids=lambda cls: cls.__name__)
def task(request: pytest.FixtureRequest) -> Task:
    return build(request.param)


@pytest.fixture(autouse=True)
def no_gradients(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


def examples(task: Task) -> list[Example]:
    generator = np.random.default_rng(0)
    return [
        Example(
            id=f"utterance {number}",
            values=generator.normal(size=(31 - 9 * number, NUM_FEATURES)).astype(np.float32),
            target=task.tokens.encode(text),
            text=text,
        )
        for number, text in enumerate(SAID[task.content])
    ]


def loss(task: Task, batch: Batch) -> tuple[float, int]:
    total, count = task.loss(task.encode(batch), batch)
    assert total.shape == ()
    return total.item(), int(count)


def longer(batch: Batch, padding: str, num_more: int) -> Batch:
    return replace(batch, features=padded(batch.features, batch.feature_lengths, padding, num_more))


def test_the_tasks_are_found() -> None:
    assert {CTC, Seq2Seq, ChordRecognition} <= set(TASKS)


@pytest.mark.parametrize("padding", PADDINGS)
def test_padding_changes_neither_the_loss_nor_what_is_recognised(task: Task, padding: str) -> None:
    batch = collate(examples(task))
    other = longer(batch, padding, num_more=17)
    total, count = loss(task, batch)
    assert loss(task, other) == (pytest.approx(total, rel=1e-5), count)
    assert task.decode(task.encode(other)) == task.decode(task.encode(batch))


@pytest.mark.parametrize("cls", [cls for cls in TASKS if cls.content == "text"])  # of any number of tokens
def test_what_follows_a_target_costs_nothing(cls: type[Task]) -> None:
    task = build(cls)
    batch = collate(examples(task))
    targets = torch.full((3, 9), len(task.tokens.vocabulary) - 1)
    for row, own, length in zip(targets, batch.targets, batch.target_lengths, strict=True):
        row[:length] = own[:length]
    total, count = loss(task, batch)
    assert loss(task, replace(batch, targets=targets)) == (pytest.approx(total, rel=1e-5), count)


def test_the_loss_of_a_batch_is_the_sum_over_its_utterances(task: Task) -> None:
    alone = [loss(task, collate([example])) for example in examples(task)]
    total, count = loss(task, collate(examples(task)))
    assert total == pytest.approx(sum(total for total, _ in alone), rel=1e-5)
    assert count == sum(count for _, count in alone)


def test_a_gradient_reaches_every_parameter(task: Task) -> None:
    batch = collate(examples(task))
    total, _ = task.train().loss(task.encode(batch), batch)
    total.backward()
    grads = {name: weight.grad for name, weight in task.named_parameters()}
    assert not [name for name, grad in grads.items() if grad is None or not grad.any()]
    assert all(grad is not None and grad.isfinite().all() for grad in grads.values())


@pytest.mark.parametrize("cls", TASKS)
def test_the_same_seed_gives_the_same_loss_in_training(cls: type[Task]) -> None:
    def found(seed: int) -> tuple[float, int]:
        task = build(cls, seed).train()
        return loss(task, collate(examples(task)))

    assert found(5) == found(5)
    assert found(5) != found(6)


def test_evaluation_draws_nothing(task: Task) -> None:
    batch = collate(examples(task))
    assert loss(task, batch) == loss(task, batch)
    assert task.decode(task.encode(batch)) == task.decode(task.encode(batch))


@pytest.mark.parametrize("cls", TASKS)
def test_saved_weights_give_the_same_loss_in_another_model(cls: type[Task]) -> None:
    trained, fresh = build(cls, seed=0), build(cls, seed=1)
    file = io.BytesIO()
    torch.save(trained.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert loss(fresh, collate(examples(fresh))) == loss(trained, collate(examples(trained)))


def test_every_utterance_has_a_hypothesis_that_its_metrics_can_score(task: Task) -> None:
    found = task.decode(task.encode(collate(examples(task))))
    assert len(found) == 3
    assert all(each.alternatives[0] == each.text for each in found if each.alternatives)
    assert set(task.diagnose(found)) == set(task.diagnosed)
    references = [task.tokens.normalize(text) for text in SAID[task.content]]
    scored = [metric.compute(references, [each.text for each in found]) for metric in task.metrics]
    names = {f"val_{name}" for each in scored for name in each} | {"train_loss", "val_loss"}
    assert task.logged({}) <= names | {f"val_{name}" for name in task.diagnosed}


def test_what_cannot_be_learned_or_written_is_told_by_position(task: Task) -> None:
    targets = [example.target for example in examples(task)]
    assert task.unlearnable([50, 50, 50], targets) == task.unwritable([50, 50, 50], targets) == []
    assert set(task.unlearnable([1, 50, 1], targets)) <= {0, 2}
    assert set(task.unwritable([1, 50, 1], targets)) <= {0, 2}


@pytest.mark.parametrize("padding", PADDINGS)
def test_what_it_exports_are_log_probabilities_that_padding_does_not_change(task: Task, padding: str) -> None:
    assert task.unexportable({}) == ""
    batch, module = collate(examples(task)), task.exportable().eval()
    other = longer(batch, padding, num_more=9)
    log_probs, counts = module(batch.features, batch.feature_lengths)
    again, same = module(other.features, other.feature_lengths)
    assert log_probs.shape == (3, int(counts.max()), len(task.tokens.vocabulary))
    assert (log_probs <= 0).all()
    assert counts.equal(same)
    for row, count in enumerate(counts):
        torch.testing.assert_close(again[row, :count], log_probs[row, :count], atol=1e-5, rtol=1e-5)


def test_how_it_is_decoded_without_torch_is_what_json_can_hold(task: Task) -> None:
    decoding = task.decoding()
    assert decoding["kind"]
    assert json.loads(json.dumps(decoding)) == decoding
