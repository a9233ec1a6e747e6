"""All chord heads of stages/models: what stages/models/chord_heads.py promises.

B batch, T' frames, D width, V vocabulary (types, roots and basses concatenated).
"""

import io
from collections.abc import Iterator

import pytest
import torch
from family import classes_of, part_of
from padding import PADDINGS, padded
from torch import Tensor

from stages.models.chord_heads import ChordHeads
from stages.models.linear_heads import LinearHeads
from stages.models.pitch_class_heads import PitchClassHeads

HEADS = classes_of(ChordHeads)
WIDTH, TYPES = 10, ["major", "minor", "min7", "sus4"]
SIZES = (len(TYPES), 12, 12)


def build(cls: type[ChordHeads], seed: int = 0, types: list[str] = TYPES) -> ChordHeads:
    """As a task builds it: with its small defaults and the sizes of encoder and tokens."""
    torch.manual_seed(seed)
    heads: ChordHeads = part_of(cls).build(width=WIDTH, types=types)
    return heads.eval()


@pytest.fixture(params=HEADS, ids=lambda cls: cls.__name__)
def heads(request: pytest.FixtureRequest) -> ChordHeads:
    return build(request.param)


@pytest.fixture(autouse=True)
def no_gradients(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


def lengths(heads: ChordHeads) -> Tensor:
    """Frame counts; all equal if the heads need a fixed number of positions."""
    return torch.tensor([heads.num_positions] * 3 if heads.num_positions else [12, 5, 1])


def hidden() -> Tensor:
    """An encoder's output: (B, T', D)."""
    return torch.randn(3, 12, WIDTH, generator=torch.Generator().manual_seed(1))


def test_the_heads_are_found() -> None:
    assert {LinearHeads, PitchClassHeads} <= set(HEADS)


def test_each_head_has_a_distribution_over_its_own_classes(heads: ChordHeads) -> None:
    log_probs = heads(hidden(), lengths(heads))
    assert log_probs.shape == (3, sum(SIZES))
    for own in log_probs.exp().split(SIZES, dim=-1):
        torch.testing.assert_close(own.sum(-1), torch.ones(3))


@pytest.mark.parametrize("types", [["major"], ["cluster of mine", *TYPES]])
def test_types_are_those_of_the_tokens_known_or_not(heads: ChordHeads, types: list[str]) -> None:
    found = build(type(heads), types=types)(hidden(), lengths(heads))
    assert found.shape == (3, len(types) + 24)


@pytest.mark.parametrize("num_more", [0, 1, 30])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("cls", [cls for cls in HEADS if not cls.num_positions])  # others have no padding
def test_padding_changes_nothing(cls: type[ChordHeads], padding: str, num_more: int) -> None:
    heads = build(cls)
    longer = padded(hidden(), lengths(heads), padding, num_more)
    torch.testing.assert_close(heads(longer, lengths(heads)), heads(hidden(), lengths(heads)))


def test_the_rest_of_the_batch_changes_nothing(heads: ChordHeads) -> None:
    together = heads(hidden(), lengths(heads))
    for row, length in enumerate(lengths(heads)):
        alone = heads(hidden()[row : row + 1, :length], length[None])
        torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=1e-5)


def test_frames_change_something(heads: ChordHeads) -> None:
    assert not heads(2 * hidden(), lengths(heads)).allclose(heads(hidden(), lengths(heads)), atol=1e-4)


def test_a_gradient_reaches_every_parameter_and_every_utterance(heads: ChordHeads) -> None:
    encoded = hidden().requires_grad_()
    log_probs = heads(encoded, lengths(heads))
    (log_probs * torch.randn(log_probs.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    assert not [
        name for name, weight in heads.named_parameters() if weight.grad is None or not weight.grad.any()
    ]
    assert encoded.grad is not None
    assert encoded.grad.flatten(1).any(-1).all()


def test_gradients_are_finite_where_all_frames_are_the_same(heads: ChordHeads) -> None:
    heads(torch.zeros_like(hidden()), lengths(heads)).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in heads.parameters())


@pytest.mark.parametrize("cls", HEADS)
def test_the_same_seed_gives_the_same_heads(cls: type[ChordHeads]) -> None:
    first, second, other = (build(cls, seed).train()(hidden(), lengths(build(cls))) for seed in (5, 5, 6))
    assert first.equal(second)
    assert not first.equal(other)


def test_evaluation_draws_nothing(heads: ChordHeads) -> None:
    assert heads(hidden(), lengths(heads)).equal(heads(hidden(), lengths(heads)))


@pytest.mark.parametrize("cls", HEADS)
def test_saved_weights_give_the_same_output_in_other_heads(cls: type[ChordHeads]) -> None:
    trained, fresh = build(cls, seed=0), build(cls, seed=1)
    file = io.BytesIO()
    torch.save(trained.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert fresh(hidden(), lengths(fresh)).equal(trained(hidden(), lengths(trained)))
