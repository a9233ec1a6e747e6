"""Optimizers with groups of parameters: what is trained, at which rate, and from which epoch."""

from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader

from stages.callbacks.freezing import Freezing
from stages.callbacks.lightning_task import LightningTask
from stages.schema.params import Group
from stages.schema.part import Part
from stages.tasks.optimization import Optimization
from stages.tasks.parameter_groups import assign, freeze

ENCODER = ["encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "encoder.1.bias"]
ADAMW = Part(class_path="torch.optim.AdamW", init_args={"weight_decay": 0.5})
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("AdamW", {"weight_decay": 0.01, "betas": [0.9, 0.98]}),
    ("Adam", {}),
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"momentum": 0.9}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("Adafactor", {}),
]


class Model(nn.Module):
    """An encoder with what changes without gradients (batch norm, dropout), and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
        self.head = nn.Linear(3, 1)

    def forward(self, batch: Tensor) -> Tensor:
        """The loss."""
        loss: Tensor = self.head(self.encoder(batch)).square().mean()
        return loss


class Fitted(LightningTask):
    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        loss: Tensor = self.task(batch)
        return loss


class Snapshots(lightning.Callback):
    """The weights and statistics at the end of each epoch, and what was in training mode."""

    def __init__(self) -> None:
        self.states: list[dict[str, Tensor]] = []
        self.training: list[set[str]] = []

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        torch.manual_seed(trainer.global_step)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.states.append({name: value.clone() for name, value in pl_module.state_dict().items()})
        self.training.append({name for name, part in pl_module.task.named_modules() if part.training})


def group(pattern: str, **values: Any) -> Group:
    return Group(pattern=pattern, **values)


def names(module: nn.Module, parameters: list[nn.Parameter]) -> list[str]:
    by_identity = {id(parameter): name for name, parameter in module.named_parameters()}
    return [by_identity[id(parameter)] for parameter in parameters]


def optimizer_of(module: nn.Module, *groups: Group, part: Part = ADAMW) -> torch.optim.Optimizer:
    optimizer: torch.optim.Optimizer = Optimization(0.1, part, None, groups).configure(module, 9, 9)[
        "optimizer"
    ]
    return optimizer


def fit(
    *groups: Group,
    max_epochs: int = 4,
    folder: Path | None = None,
    resume: Path | None = None,
    kept: str | None = None,
) -> Snapshots:
    """A model that freezes its module ``kept`` itself."""
    torch.manual_seed(0)
    batches: Any = DataLoader(torch.randn(12, 3), batch_size=4)
    model: Any = Model()
    if kept:
        model.get_submodule(kept).requires_grad_(False)
    snapshots = Snapshots()
    callbacks: list[lightning.Callback] = [Freezing(groups), snapshots]
    if folder:
        callbacks.append(ModelCheckpoint(folder, "{epoch}", save_top_k=-1, save_on_train_epoch_end=True))
    trainer = lightning.Trainer(
        max_epochs=max_epochs, accelerator="cpu", logger=False, callbacks=callbacks,
        enable_checkpointing=bool(folder), enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(
        Fitted(model, Optimization(0.1, ADAMW, None, groups)), batches, ckpt_path=resume, weights_only=True
    )
    return snapshots


def changed(before: dict[str, Tensor], after: dict[str, Tensor], prefix: str) -> set[bool]:
    return {not value.equal(after[name]) for name, value in before.items() if name.startswith(prefix)}


@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS)
def test_any_optimizer_of_torch_trains_what_needs_gradients_and_nothing_else(
    name: str, arguments: dict[str, Any]
) -> None:
    model = Model()
    model.encoder[0].weight.requires_grad_(False)  # as a model may do itself
    part = Part(class_path=f"torch.optim.{name}", init_args=arguments)
    optimizer = optimizer_of(model, group("encoder.1.*", lr_scale=0.5), part=part)
    assert [names(model, found["params"]) for found in optimizer.param_groups] == [
        ["encoder.0.bias", "head.weight", "head.bias"],
        ["encoder.1.weight", "encoder.1.bias"],
    ]
    before = {name: value.clone() for name, value in model.named_parameters()}
    model(torch.randn(4, 3, generator=torch.Generator().manual_seed(0))).backward()
    optimizer.step()
    after = dict(model.named_parameters())
    assert changed(before, after, "head.") == {True}
    assert changed(before, after, "encoder.0.weight") == {False}


def test_the_first_pattern_that_matches_has_a_parameter() -> None:
    model = Model()
    found = assign(model, [group("encoder.0.*"), group("*.bias"), group("encoder.*")])
    assert [names(model, parameters) for parameters in found] == [
        ["head.weight"],
        ["encoder.0.weight", "encoder.0.bias"],
        ["encoder.1.bias", "head.bias"],
        ["encoder.1.weight"],
    ]


def test_a_group_multiplies_the_learning_rate_and_what_is_frozen_is_not_in_the_optimizer() -> None:
    model = Model()
    optimizer = optimizer_of(model, group("encoder.0.*", frozen=True), group("encoder.*", lr_scale=0.25))
    assert [found["lr"] for found in optimizer.param_groups] == [0.1, 0.025]
    assert [names(model, found["params"]) for found in optimizer.param_groups] == [
        ["head.weight", "head.bias"],
        ["encoder.1.weight", "encoder.1.bias"],
    ]


def test_the_first_group_is_at_lr_even_where_patterns_match_everything() -> None:
    optimizer = optimizer_of(Model(), group("*", lr_scale=0.5))
    assert [(found["lr"], len(found["params"])) for found in optimizer.param_groups] == [(0.1, 0), (0.05, 6)]


@pytest.mark.parametrize(
    ("patterns", "named"),
    [
        (["encodr.*"], r"\[0\]\.pattern: 'encodr\.\*'"),
        (["e*", "encoder.0.*"], r"\[1\]\.pattern: 'encoder\.0\.\*'"),
    ],
    ids=["unknown", "shadowed"],
)
def test_a_pattern_that_gets_no_parameter_is_refused_with_those_that_there_are(
    patterns: list[str], named: str
) -> None:
    there = r"matches no parameter .*; there are 6, among them encoder\.0\.weight, encoder\.0\.bias"
    with pytest.raises(ValueError, match=rf"train\.groups{named} {there}"):
        optimizer_of(Model(), *map(group, patterns))


def test_nothing_left_to_train_is_refused() -> None:
    with pytest.raises(ValueError, match=r"train\.groups: every parameter is frozen, so"):
        optimizer_of(Model(), group("*", frozen=True))
    with pytest.raises(ValueError, match=r"train\.groups: every parameter is frozen in epoch 0"):
        fit(group("*", unfreeze_epoch=2))


def test_a_frozen_part_stays_the_same_bit_for_bit_while_the_rest_is_trained() -> None:
    found = fit(group("encoder.*", frozen=True))
    fresh = found.states[0]
    for state in found.states[1:]:
        assert changed(fresh, state, "encoder.") == {False}  # weights, and statistics of batch norm
        assert changed(fresh, state, "head.") == {True}
    assert found.training == [{"", "head"}] * 4  # no dropout in the encoder


def test_a_module_is_in_training_mode_as_long_as_one_of_its_parameters_is_trained() -> None:
    model = Model()
    freeze(model, [group("encoder.1.*", frozen=True)], 0)
    assert {name for name, part in model.named_modules() if not part.training} == {"encoder.1"}
    freeze(model, [group("encoder.*.weight", frozen=True)], 0)
    assert model.encoder[0].training


def test_an_unfrozen_part_is_trained_from_its_epoch_on_and_not_before() -> None:
    found = fit(group("encoder.*", lr_scale=0.1, unfreeze_epoch=2))
    assert changed(found.states[0], found.states[1], "encoder.") == {False}  # no weight decay either
    assert changed(found.states[1], found.states[2], "encoder.") == {True}
    everything = {"", "head", "encoder", "encoder.0", "encoder.1", "encoder.2"}
    assert found.training == [{"", "head"}, {"", "head"}, everything, everything]


@pytest.mark.parametrize("finished", [0, 1, 2], ids=["before", "at the unfreezing", "after"])
def test_a_resumed_training_unfreezes_as_one_that_was_never_stopped(tmp_path: Path, finished: int) -> None:
    groups = [group("encoder.0.*", unfreeze_epoch=2), group("encoder.1.*", frozen=True)]
    whole = fit(*groups, folder=tmp_path).states
    resumed = fit(*groups, resume=tmp_path / f"epoch={finished}.ckpt").states
    assert len(resumed) == 3 - finished
    for before, after in zip(whole[finished + 1 :], resumed, strict=True):
        assert changed(before, after, "") == {False}
    assert changed(whole[1], whole[2], "encoder.0.") == {True}


@pytest.mark.parametrize("finished", [None, 0, 2], ids=["never stopped", "before", "after the unfreezing"])
def test_no_group_unfreezes_what_the_model_froze_itself(tmp_path: Path, finished: int | None) -> None:
    groups = [group("encoder.*", lr_scale=0.1, unfreeze_epoch=1)]
    found = fit(*groups, folder=tmp_path, kept="encoder.0")
    if finished is not None:
        found = fit(*groups, resume=tmp_path / f"epoch={finished}.ckpt", kept="encoder.0")
    torch.manual_seed(0)
    torch.randn(12, 3)
    fresh = Model().state_dict()
    assert changed(fresh, found.states[-1], "encoder.0.") == {False}
    assert changed(fresh, found.states[-1], "encoder.1.") == {True}
    assert found.training[-1] == {"", "head", "encoder", "encoder.1", "encoder.2"}


def test_a_frozen_group_has_no_dropout_where_the_model_froze_a_part_of_it_too() -> None:
    assert fit(group("encoder.*", unfreeze_epoch=1), kept="encoder.0").training[0] == {"", "head"}


@pytest.mark.parametrize("settings", [{}, {"unfreeze_epoch": 1}])
def test_a_group_that_the_model_froze_itself_is_refused(settings: dict[str, int]) -> None:
    expected = r"train\.groups\[1\]\.pattern: the model itself froze all parameters of 'encoder\.0\.\*'"
    with pytest.raises(ValueError, match=expected):
        fit(group("head.*"), group("encoder.0.*", **settings), kept="encoder.0")
