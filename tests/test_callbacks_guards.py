"""Guards that stop a training with advice, and one that keeps its steps small."""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace as Namespace
from typing import Any

import pytest
import torch
from torch import nn
from training_project import Project, tone_tokens, training_project

from stages import train
from stages.batching.batches import loader
from stages.batching.duration_sampler import DurationSampler
from stages.batching.feature_dataset import FeatureDataset
from stages.callbacks import fitting
from stages.callbacks.blank_collapse import BlankCollapse
from stages.callbacks.epoch_seed import EpochSeed
from stages.callbacks.largest_batches import LargestBatches, largest
from stages.callbacks.lightning_task import LightningTask
from stages.schema.part import Part
from stages.tasks import ctc
from stages.tasks.ctc import CTC
from stages.tasks.optimization import Optimization
from stages.tasks.task import Task


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def validations(losses: list[float], blanks: float = 1.0, lr: float = 0.1) -> Iterator[Any]:
    """A trainer at the end of each of its epochs of 100 steps."""
    for epoch, loss in enumerate(losses):
        logged = {"val_loss": torch.tensor(loss), "val_blank_ratio": torch.tensor(blanks)}
        yield Namespace(
            sanity_checking=False, current_epoch=epoch, global_step=100 * (epoch + 1),
            callback_metrics=logged, optimizers=[Namespace(param_groups=[{"lr": lr}])],
        )  # fmt: skip


def survived(guard: BlankCollapse, trainers: Iterator[Any]) -> int:
    """The number of validations after which the guard stopped the training; -1 if it never did."""
    for number, trainer in enumerate(trainers):
        try:
            guard.on_validation_end(trainer, nn.Module())
        except ValueError:
            return number + 1
    return -1


def test_a_model_that_says_nothing_and_learns_nothing_is_stopped() -> None:
    # one validation in the first epoch, one that starts the count, five more
    assert survived(BlankCollapse(num_steps=500), validations([3.0] * 20)) == 7


def test_collapse_takes_the_steps_that_a_slow_start_takes_too() -> None:
    assert survived(BlankCollapse(num_steps=2000), validations([3.0] * 40)) == 22
    assert survived(BlankCollapse(), validations([3.0] * 15)) == -1


def test_a_loss_that_falls_however_slowly_is_no_collapse() -> None:
    falling = [3.0 * 0.997**epoch for epoch in range(60)]
    assert survived(BlankCollapse(num_steps=500), validations(falling)) == -1


def test_a_learning_rate_that_rises_is_no_collapse() -> None:
    guard = BlankCollapse(num_steps=500)
    for lr in torch.linspace(0.01, 0.1, 30).tolist():
        assert survived(guard, validations([3.0] * 2, lr=lr)) == -1


def test_a_model_that_says_something_has_not_collapsed() -> None:
    assert survived(BlankCollapse(num_steps=500), validations([3.0] * 20, blanks=0.99)) == -1


def test_a_resumed_training_is_stopped_where_an_uninterrupted_one_is() -> None:
    trainers = list(validations([3.0] * 20))
    before, after = BlankCollapse(num_steps=500), BlankCollapse(num_steps=500)
    assert survived(before, iter(trainers[:4])) == -1
    after.load_state_dict(before.state_dict())
    assert survived(after, iter(trainers[4:])) == 7 - 4


def test_a_collapsed_training_ends_with_advice(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "BlankCollapse", partial(BlankCollapse, num_steps=5))
    monkeypatch.setattr(ctc, "blank_ratio", lambda _: 1.0)
    project.set({"lr": 1e-12, "train.schedule": None, "train.trainer.max_epochs": 20})
    message = r"collapsed to the blank: in the last 5 validations \(15 steps\) .* Lower lr; "
    with pytest.raises(ValueError, match=message):
        project.run(train)


def test_the_largest_batches_are_the_longest_and_the_fullest() -> None:
    sampler = DurationSampler(torch.tensor([1, 1, 1, 2, 2, 2, 9]).numpy(), max_batch_seconds=10)
    assert [[position for position, _ in keys] for keys in largest(sampler)] == [[6], [0, 1, 2, 3, 4]]
    alone = DurationSampler(torch.tensor([1, 9]).numpy(), max_batch_seconds=9)
    assert [[position for position, _ in keys] for keys in largest(alone)] == [[1]]


class Forgetful(Task):
    """Draws random numbers and counts batches in a buffer."""

    def __init__(self, num_features: int) -> None:
        super().__init__(tone_tokens(), metrics=[])
        self.layer = nn.Sequential(nn.BatchNorm1d(num_features), nn.Dropout(0.5), nn.Linear(num_features, 1))
        self.sizes: list[int] = []

    def encode(self, batch: Any) -> Any:
        self.sizes.append(len(batch.ids))
        return self.layer(batch.features.mean(1)), batch.feature_lengths

    def loss(self, encoded: Any, batch: Any) -> Any:
        return encoded[0].sum(), torch.tensor(len(batch.ids))


def test_trying_the_largest_batches_leaves_no_trace(project: Project) -> None:
    data = Namespace(train=FeatureDataset(Path("data/features/train"), tone_tokens()))
    data.train_dataloader = lambda: loader(data.train, DurationSampler(data.train.seconds, 5.0))
    task = Forgetful(data.train.metadata.feature_size)
    before = {name: value.clone() for name, value in task.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trainer: Any = Namespace(
        fast_dev_run=False, global_step=0, datamodule=data,
        strategy=Namespace(batch_to_device=lambda batch: batch),
        precision_plugin=Namespace(convert_input=lambda batch: batch, forward_context=nullcontext),
    )  # fmt: skip
    LargestBatches().on_train_start(
        trainer, LightningTask(task, Optimization(0.1, Part(class_path="torch.optim.SGD"), None))
    )
    assert task.sizes, "nothing was tried"
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(value, before[name]) for name, value in task.state_dict().items())
    assert all(parameter.grad is None for parameter in task.parameters())


def test_a_training_is_the_same_with_and_without_trying_the_largest_batches(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run(train)
    tried = [Path("artifacts/train", name).read_bytes() for name in ("last.ckpt", "history.csv")]
    monkeypatch.delattr(LargestBatches, "on_train_start")
    project.run(train)
    assert [Path("artifacts/train", name).read_bytes() for name in ("last.ckpt", "history.csv")] == tried


def too_much(*_: Any) -> None:
    torch.empty(2**60, dtype=torch.uint8)


def out_of_gpu_memory(*_: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")


@pytest.mark.parametrize("fail", [too_much, out_of_gpu_memory])
def test_an_error_of_memory_says_what_to_set(
    project: Project, monkeypatch: pytest.MonkeyPatch, fail: Any
) -> None:
    monkeypatch.setattr(EpochSeed, "on_train_batch_start", fail, raising=False)
    project.set({"train.trainer.accumulate_grad_batches": 2})
    message = (
        r"train.batching.max_batch_seconds: 16. Set it to 8, and train.trainer.accumulate_grad_batches to 4"
    )
    with pytest.raises(ValueError, match=message):
        project.run(train)


def test_memory_that_will_not_do_shows_before_the_first_step(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = CTC.encode

    def with_little_memory(task: CTC, batch: Any) -> Any:
        if task.training and batch.features.shape[0] * batch.features.shape[1] > 1000:
            out_of_gpu_memory()
        return encode(task, batch)

    def step(*_: Any) -> None:
        raise AssertionError("a step was made")

    monkeypatch.setattr(CTC, "encode", with_little_memory)
    monkeypatch.setattr(EpochSeed, "on_train_batch_start", step, raising=False)
    with pytest.raises(ValueError, match="out of memory with train"):
        project.run(train)


def test_another_error_keeps_its_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the sum is wrong")

    monkeypatch.setattr(EpochSeed, "on_train_batch_start", fail, raising=False)
    with pytest.raises(RuntimeError, match="the sum is wrong"):
        project.run(train)


@pytest.mark.parametrize(
    ("algorithm", "size"),
    [
        ("norm", lambda gradients: torch.cat(gradients).norm()),
        ("value", lambda gradients: torch.cat(gradients).abs().max()),
    ],
    ids=["by norm", "by value"],
)
def test_gradients_are_clipped_before_a_step(
    project: Project, monkeypatch: pytest.MonkeyPatch, algorithm: str, size: Any
) -> None:
    sizes: list[float] = []

    def note(callback: EpochSeed, trainer: Any, module: Any, *_: Any) -> None:
        sizes.append(float(size([p.grad.flatten() for p in module.parameters()])))

    monkeypatch.setattr(EpochSeed, "on_train_batch_end", note, raising=False)
    limits = {"gradient_clip_val": 0.01, "gradient_clip_algorithm": algorithm}
    project.set({f"train.trainer.{name}": value for name, value in limits.items()})
    project.run(train)
    assert len(sizes) == project.json("artifacts/logs/train.json")["steps"]
    assert sizes == pytest.approx([0.01] * len(sizes), rel=1e-3), "untrained, so every gradient is larger"


def test_accumulated_batches_make_one_step_along_their_mean_gradient(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[Any] = []
    checked: list[int] = []

    def keep(callback: EpochSeed, trainer: Any, module: Any, batch: Any, *_: Any) -> None:
        batches.append(batch)

    def compare(callback: EpochSeed, trainer: Any, module: Any, optimizer: Any) -> None:
        task = module.task
        parts = [task.loss(task.encode(batch), batch) for batch in batches]
        mean = sum(total / count for total, count in parts) / len(batches)
        for found, expected in zip(
            [p.grad for p in task.parameters()],
            torch.autograd.grad(mean, list(task.parameters())),
            strict=True,
        ):
            assert torch.allclose(found, expected, atol=1e-6)
        checked.append(len(batches))
        batches.clear()

    monkeypatch.setattr(EpochSeed, "on_train_batch_start", keep, raising=False)
    monkeypatch.setattr(EpochSeed, "on_before_optimizer_step", compare, raising=False)
    project.set({"train.task.init_args.encoder.init_args.dropout": 0.0})
    project.set({"train.trainer.accumulate_grad_batches": 3})
    project.run(train)
    assert checked == [3, 3]
    assert project.json("artifacts/logs/train.json")["steps"] == 2
