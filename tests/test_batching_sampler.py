"""Training batches: the duration budget, buckets, padding, and reproducibility by seed and epoch."""

from itertools import chain
from typing import Any

import numpy as np
import pytest

from stages.batching.duration_sampler import DurationSampler

BUDGET = 80.0
LENGTHS = np.random.default_rng(0).lognormal(
    1.3, 0.6, 3000
)  # seconds; 3.7 in the middle, up to half a minute


def sampler(epoch: int = 0, seed: int | None = 0, lengths: Any = LENGTHS, **limits: Any) -> DurationSampler:
    return DurationSampler(lengths, **{"max_batch_seconds": BUDGET, **limits}, seed=seed, epoch=epoch)


def positions(batches: DurationSampler) -> list[list[int]]:
    return [[position for position, _ in batch] for batch in batches]


@pytest.mark.parametrize("epoch", range(5))
def test_every_utterance_is_in_one_batch_of_an_epoch(epoch: int) -> None:
    assert sorted(chain.from_iterable(positions(sampler(epoch)))) == list(range(3000))


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize("epoch", range(5))
def test_padded_seconds_stay_in_the_budget(epoch: int, seed: int | None) -> None:
    assert all(len(batch) * LENGTHS[batch].max() <= BUDGET for batch in positions(sampler(epoch, seed)))


@pytest.mark.parametrize("epoch", range(5))
def test_less_than_three_percent_of_a_shuffled_epoch_is_padding(epoch: int) -> None:
    padded = sum(len(batch) * LENGTHS[batch].max() for batch in positions(sampler(epoch)))
    assert LENGTHS.sum() / padded > 0.97


def test_the_number_of_batches_never_changes() -> None:
    batches = sampler()
    assert {len(list(sampler(epoch))) for epoch in range(10)} == {len(batches)}


def test_epochs_have_other_batches_in_another_order() -> None:
    first, second = ({frozenset(batch) for batch in positions(sampler(epoch))} for epoch in range(2))
    assert len(first & second) < 0.1 * len(first)
    longest = [LENGTHS[batch].max() for batch in positions(sampler())]
    assert longest != sorted(longest)


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    assert positions(sampler(epoch=3)) == positions(sampler(epoch=3))
    assert positions(sampler(epoch=3)) != positions(sampler(epoch=3, seed=1))


def test_an_epoch_that_was_set_is_as_one_from_the_start() -> None:
    resumed = sampler(epoch=0)
    resumed.set_epoch(3)
    assert list(resumed) == list(sampler(epoch=3))
    assert {epoch for batch in resumed for _, epoch in batch} == {3}


def test_without_a_seed_the_order_is_by_length() -> None:
    assert positions(sampler(seed=None, lengths=[3.0, 1.0, 2.0, 9.0], max_batch_seconds=6.0)) == [
        [1, 2],
        [0],
        [3],
    ]


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize(("seconds", "budget", "num_batches"), [(15.0, 30.0, 450), (10.0, 30.0, 300)])
def test_utterances_of_one_length_fill_the_budget(
    seconds: float, budget: float, num_batches: int, seed: int | None
) -> None:
    assert len(sampler(seed=seed, lengths=[seconds] * 900, max_batch_seconds=budget)) == num_batches


@pytest.mark.parametrize("seed", [0, None])
def test_an_utterance_over_the_budget_is_a_batch_alone(seed: int | None) -> None:
    batches = positions(sampler(seed=seed, lengths=[1.0] * 10 + [100.0, 90.0]))
    assert [batch for batch in batches if max(batch) >= 10] in ([[10], [11]], [[11], [10]])


def test_a_batch_has_at_most_its_maximum_size() -> None:
    sizes = [len(batch) for batch in positions(sampler(max_batch_size=4))]
    assert max(sizes) == 4
    assert sum(sizes) == 3000


def test_batches_are_bounded_by_quantiles_of_the_lengths() -> None:
    """Twice the lengths, twice the bounds: bounds are not fixed."""
    longest = [sorted(LENGTHS[batch].max() for batch in positions(sampler(epoch))) for epoch in range(2)]
    doubled = sampler(lengths=2 * LENGTHS, max_batch_seconds=2 * BUDGET)
    bounds = sorted(2 * LENGTHS[batch].max() for batch in positions(doubled))
    assert bounds == pytest.approx([2 * bound for bound in longest[0]])
    np.testing.assert_allclose(longest[0], longest[1], rtol=0.07)
    shares = [len(batch) * LENGTHS[batch].max() / BUDGET for batch in positions(sampler())]
    assert np.median(shares) > 0.9  # buckets are equal in seconds for any distribution of lengths


def test_padding_is_the_share_of_a_batch_that_is_no_audio() -> None:
    lengths = [1.0, 2.0, 3.0]
    assert sampler(seed=None, lengths=lengths, max_batch_seconds=4.0).padding(0) == pytest.approx(1 / 7)
    padded = sum(len(batch) * LENGTHS[batch].max() for batch in positions(sampler()))
    assert sampler().padding(0) == pytest.approx(1 - LENGTHS.sum() / padded)
