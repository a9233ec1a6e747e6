"""The losses against hand-computed values and PyTorch's own.

B batch, T frames, U tokens, V vocabulary.
"""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from stages.losses.cross_entropy import cross_entropy
from stages.losses.ctc_loss import ctc_loss, frames_needed


def uniform(batch_size: int, num_frames: int, vocabulary_size: int) -> Tensor:
    """Uniform log-probabilities."""
    return torch.full((batch_size, num_frames, vocabulary_size), 1 / vocabulary_size).log()


def random_log_probs(*shape: int) -> Tensor:
    return (
        torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        .log_softmax(-1)
        .float()
    )


def loss(
    log_probs: Tensor, lengths: list[int], targets: list[list[int]], blank: int = 0
) -> tuple[float, int]:
    target_lengths = torch.tensor([len(target) for target in targets])
    width = int(target_lengths.max())
    padded = torch.tensor([target + [0] * (width - len(target)) for target in targets], dtype=torch.int64)
    total, count = ctc_loss(log_probs, torch.tensor(lengths), padded, target_lengths, blank)
    return total.item(), int(count)


def test_two_frames_write_one_token_in_three_of_nine_ways() -> None:
    # a a, a blank, blank a
    assert loss(uniform(1, 2, 3), [2], [[1]]) == (pytest.approx(-math.log(3 / 9)), 1)


def test_two_equal_tokens_need_a_blank_between_them() -> None:
    assert loss(uniform(1, 3, 3), [3], [[1, 1]]) == (pytest.approx(-math.log(1 / 27)), 2)


def test_an_empty_transcript_costs_its_blanks_and_counts_no_token() -> None:
    assert loss(uniform(1, 2, 3), [2], [[]]) == (pytest.approx(-math.log(1 / 9)), 0)


@pytest.mark.parametrize("blank", [0, 4])
def test_feasible_utterances_cost_what_torch_says(blank: int) -> None:
    log_probs, lengths, target_lengths = (
        random_log_probs(3, 12, 5),
        torch.tensor([12, 9, 4]),
        torch.tensor([4, 3, 1]),
    )
    targets = torch.tensor([[1, 2, 2, 3], [3, 1, 3, 0], [2, 0, 0, 0]])
    expected = functional.ctc_loss(
        log_probs.transpose(0, 1), targets, lengths, target_lengths, blank=blank, reduction="sum"
    )
    total, count = ctc_loss(log_probs, lengths, targets, target_lengths, blank)
    torch.testing.assert_close(total, expected)
    assert count == 4 + 3 + 1


def test_frames_beyond_the_length_cost_nothing() -> None:
    log_probs = random_log_probs(1, 10, 4)
    assert loss(log_probs, [6], [[1, 2]]) == loss(log_probs[:, :6], [6], [[1, 2]])


def test_batches_add_up_to_the_whole_however_they_are_cut() -> None:
    targets = [[1, 2], [3], [1, 1, 2]]
    log_probs, lengths = random_log_probs(3, 8, 4), [8, 5, 7]
    parts = [loss(log_probs[rows], lengths[rows], targets[rows]) for rows in (slice(0, 2), slice(2, 3))]
    whole = loss(log_probs, lengths, targets)
    assert whole == (pytest.approx(sum(total for total, _ in parts)), 6)
    assert sum(count for _, count in parts) == 6


def test_an_infeasible_utterance_is_in_neither_number() -> None:
    log_probs = random_log_probs(2, 4, 3)
    assert loss(log_probs, [4, 2], [[1, 2], [1, 1]]) == (
        pytest.approx(loss(log_probs[:1], [4], [[1, 2]])[0]),
        2,
    )


def test_infeasible_utterances_alone_cost_nothing() -> None:
    assert loss(uniform(1, 2, 3), [1], [[1, 2]]) == (0.0, 0)


def test_an_infeasible_utterance_has_a_gradient_of_0() -> None:
    logits = torch.zeros(2, 4, 3, requires_grad=True)
    total, _ = ctc_loss(
        logits.log_softmax(-1), torch.tensor([4, 2]), torch.tensor([[1, 2], [1, 1]]), torch.tensor([2, 2]), 0
    )
    total.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert logits.grad[0].any()
    assert not logits.grad[1].any()


def test_an_infinite_loss_of_a_feasible_utterance_is_not_hidden() -> None:
    impossible = torch.tensor([[[0.0, -math.inf], [0.0, -math.inf]]])
    assert loss(impossible, [2], [[1]]) == (math.inf, 1)


@pytest.mark.parametrize(
    ("target", "frames"),
    [([], 0), ([1], 1), ([1, 2], 2), ([1, 1], 3), ([1, 1, 1], 5), ([1, 2, 1], 3), ([2, 2, 1, 1], 6)],
)
def test_a_token_needs_a_frame_and_equal_neighbours_one_between_them(target: list[int], frames: int) -> None:
    padded = torch.tensor([target + [2] * (6 - len(target))])
    assert frames_needed(padded, torch.tensor([len(target)])).tolist() == [frames]


def test_padding_of_targets_needs_no_frames() -> None:
    assert frames_needed(torch.tensor([[1, 0, 0], [1, 2, 2]]), torch.tensor([1, 3])).tolist() == [1, 4]


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_cross_entropy_is_what_torch_says(label_smoothing: float) -> None:
    log_probs, targets, lengths = random_log_probs(2, 3, 4), torch.tensor([[1, 2, 3], [3, 0, 0]]), [3, 1]
    tokens = torch.cat([row[:length] for row, length in zip(log_probs, lengths, strict=True)])
    expected = functional.cross_entropy(
        tokens, torch.tensor([1, 2, 3, 3]), label_smoothing=label_smoothing, reduction="sum"
    )
    total, count = cross_entropy(log_probs, targets, torch.tensor(lengths), label_smoothing)
    torch.testing.assert_close(total, expected)
    assert count == 4


def test_smoothing_asks_for_every_token_a_little() -> None:
    # half of the target on the token of 1/2, a quarter of the other half on each of the four
    log_probs = torch.tensor([[[0.5, 0.25, 0.125, 0.125]]]).log()
    total, _ = cross_entropy(log_probs, torch.tensor([[0]]), torch.tensor([1]), label_smoothing=0.5)
    assert total.item() == pytest.approx((0.5 * 1 + 0.125 * (1 + 2 + 3 + 3)) * math.log(2))


def test_tokens_beyond_the_length_cost_nothing_even_where_they_are_impossible() -> None:
    log_probs = torch.tensor([[[0.5, 0.5], [1.0, 0.0]]]).log()
    total, count = cross_entropy(log_probs, torch.tensor([[1, 1]]), torch.tensor([1]))
    assert (total.item(), int(count)) == (pytest.approx(math.log(2)), 1)


def test_nothing_is_smoothed_unless_it_is_asked_for() -> None:
    log_probs = torch.tensor([[[0.5, 0.25, 0.25]]]).log()
    total, _ = cross_entropy(log_probs, torch.tensor([[0]]), torch.tensor([1]))
    assert total.item() == pytest.approx(math.log(2))
