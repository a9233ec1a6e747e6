"""The loss of a chord against its formula."""

import math

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from stages.losses.chord_loss import ChordLossPart
from stages.losses.chord_recognition_loss import ChordRecognitionLoss

SIZES = (4, 3, 2)
TARGETS = torch.tensor([[1, 4 + 2, 7 + 0], [3, 4 + 0, 7 + 1]])


def log_probs() -> Tensor:
    """Each head normalised by itself: (2, 9)."""
    logits = torch.randn(2, 9, generator=torch.Generator().manual_seed(0))
    return torch.cat([own.log_softmax(-1) for own in logits.split(SIZES, dim=1)], dim=1)


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
    with pytest.raises(ValidationError, match="nothing would be learned: one of the weights must be above 0"):
        adapter.validate_python({**part, "init_args": weights})
    adapter.validate_python({**part, "init_args": {"chord_type_weight": 0.0, "root_weight": 0.0}})


@pytest.mark.parametrize(
    "other", ["torch.nn.CrossEntropyLoss", "torch.nn.Linear", "stages.models.conformer.Conformer"]
)
def test_a_module_that_is_no_loss_of_chords_is_refused(other: str) -> None:
    with pytest.raises(ValidationError, match=rf"{other} is no stages\.losses\.chord_loss\.ChordLoss"):
        TypeAdapter(ChordLossPart).validate_python({"class_path": other})


@pytest.mark.parametrize("weights", [(0.5, 0.0, 0.5), (1.0, 1.0, 0.0), (0.0, 0.0, 0.5), (0.0, 1.0, 1.0)])
def test_one_weight_above_0_is_enough_whatever_the_others_are(weights: tuple[float, float, float]) -> None:
    names = ("chord_type_weight", "root_weight", "bass_weight")
    ChordRecognitionLoss.check_arguments(**dict(zip(names, weights, strict=True)))
