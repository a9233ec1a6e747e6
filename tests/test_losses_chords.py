"""Every chord loss of stages/losses, then ChordRecognitionLoss against its formula."""

import math

import pytest
import torch
from family import classes_of, part_of
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from stages.losses.chord_loss import ChordLoss, ChordLossPart
from stages.losses.chord_recognition_loss import ChordRecognitionLoss

LOSSES = classes_of(ChordLoss)
SIZES = (4, 3, 2)
TARGETS = torch.tensor([[1, 4 + 2, 7 + 0], [3, 4 + 0, 7 + 1]])


def build(cls: type[ChordLoss], seed: int = 0) -> ChordLoss:
    torch.manual_seed(seed)
    built: ChordLoss = part_of(cls).build()
    return built


@pytest.fixture(params=LOSSES, ids=lambda cls: cls.__name__)
def loss(request: pytest.FixtureRequest) -> ChordLoss:
    return build(request.param)


def log_probs(scale: float = 1.0) -> Tensor:
    """Each head normalised separately: (2, 9)."""
    logits = scale * torch.randn(2, 9, generator=torch.Generator().manual_seed(0))
    return torch.cat([own.log_softmax(-1) for own in logits.split(SIZES, dim=1)], dim=1)


def test_the_losses_are_found() -> None:
    assert ChordRecognitionLoss in LOSSES


def test_it_is_a_sum_over_chords_and_their_count(loss: ChordLoss) -> None:
    total, count = loss(log_probs(), TARGETS, SIZES)
    alone = [loss(log_probs()[row : row + 1], TARGETS[row : row + 1], SIZES) for row in range(2)]
    assert total.shape == ()
    assert int(count) == 2
    assert [int(own) for _, own in alone] == [1, 1]
    torch.testing.assert_close(total, alone[0][0] + alone[1][0])


def test_what_is_right_costs_least(loss: ChordLoss) -> None:
    sure = torch.full((2, 9), -8.0).scatter(1, TARGETS, 0.0)
    right, _ = loss(sure, TARGETS, SIZES)
    for head, other in enumerate((0, 4 + 1, 7 + 1)):
        wrong = TARGETS.clone()
        wrong[0, head] = other
        assert right < loss(sure, wrong, SIZES)[0]


@pytest.mark.parametrize("scale", [0.0, 1.0, 1000.0])
def test_its_gradient_is_finite_and_reaches_every_head_and_parameter(loss: ChordLoss, scale: float) -> None:
    found = log_probs(scale).requires_grad_()
    total, _ = loss(found, TARGETS, SIZES)
    total.backward()
    assert total.isfinite()
    assert found.grad is not None
    assert found.grad.isfinite().all()
    assert all(own.any(-1).all() for own in found.grad.split(SIZES, dim=1))
    assert all(weight.grad is not None and weight.grad.any() for weight in loss.parameters())


def test_it_is_the_same_every_time_and_after_it_was_saved(loss: ChordLoss) -> None:
    other = build(type(loss), seed=1)
    other.load_state_dict(loss.state_dict())
    expected = loss(log_probs(), TARGETS, SIZES)[0]
    assert loss(log_probs(), TARGETS, SIZES)[0].equal(expected)
    assert other(log_probs(), TARGETS, SIZES)[0].equal(expected)


def test_the_heads_are_weighted_and_summed_over_chords() -> None:
    found = log_probs()
    total, count = ChordRecognitionLoss(label_smoothing=0.0)(found, TARGETS, SIZES)
    by_hand = -sum(
        weight * found[row, TARGETS[row, head]]
        for head, weight in enumerate((1.0, 1.0, 0.5))
        for row in range(2)
    )
    assert total.item() == pytest.approx(float(by_hand), rel=1e-5)
    assert count == 2


def test_label_smoothing_shares_a_tenth_among_the_classes_of_a_head() -> None:
    found = log_probs()
    weights = {"chord_type_weight": 1.0, "root_weight": 0.0, "bass_weight": 0.0}
    total, _ = ChordRecognitionLoss(**weights)(found, TARGETS, SIZES)
    own = found[:, :4]
    expected = sum(0.9 * -own[row, TARGETS[row, 0]] + 0.1 * -own[row].mean() for row in range(2))
    assert total.item() == pytest.approx(float(expected), rel=1e-5)


def test_knowing_nothing_costs_the_logarithm_of_the_classes() -> None:
    uniform = torch.cat([torch.full((2, size), -math.log(size)) for size in SIZES], dim=1)
    total, count = ChordRecognitionLoss()(uniform, TARGETS, SIZES)
    assert total / count == pytest.approx(math.log(4) + math.log(3) + 0.5 * math.log(2))


def test_its_weights_are_named_in_the_params() -> None:
    part = {"class_path": "stages.losses.chord_recognition_loss.ChordRecognitionLoss"}
    adapter = TypeAdapter(ChordLossPart)
    assert adapter.validate_python({**part, "init_args": {"bass_weight": 1.0}}).build().weights == (
        1.0,
        1.0,
        1.0,
    )
    with pytest.raises(ValidationError, match="root_weight"):
        adapter.validate_python({**part, "init_args": {"root_weight": -1.0}})


def test_weights_that_are_all_0_are_refused() -> None:
    part = {"class_path": "stages.losses.chord_recognition_loss.ChordRecognitionLoss"}
    weights = {"chord_type_weight": 0.0, "root_weight": 0.0, "bass_weight": 0.0}
    adapter = TypeAdapter(ChordLossPart)
    with pytest.raises(
        ValidationError, match="nothing would be learned: at least one weight must be above 0"
    ):
        adapter.validate_python({**part, "init_args": weights})
    adapter.validate_python({**part, "init_args": {"chord_type_weight": 0.0, "root_weight": 0.0}})


@pytest.mark.parametrize(
    "other", ["torch.nn.CrossEntropyLoss", "torch.nn.Linear", "stages.models.conformer.Conformer"]
)
def test_a_module_that_is_no_loss_of_chords_is_refused(other: str) -> None:
    with pytest.raises(
        ValidationError, match=rf"{other} is not a subclass of stages\.losses\.chord_loss\.ChordLoss"
    ):
        TypeAdapter(ChordLossPart).validate_python({"class_path": other})


@pytest.mark.parametrize("weights", [(0.5, 0.0, 0.5), (1.0, 1.0, 0.0), (0.0, 0.0, 0.5), (0.0, 1.0, 1.0)])
def test_one_weight_above_0_is_enough_whatever_the_others_are(weights: tuple[float, float, float]) -> None:
    names = ("chord_type_weight", "root_weight", "bass_weight")
    ChordRecognitionLoss.check_arguments(**dict(zip(names, weights, strict=True)))
