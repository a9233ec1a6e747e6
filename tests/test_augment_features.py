"""Every augmentation of features in stages/augment, found automatically; then SpecAugment.

B batch, T frames, F features.
"""

from typing import Literal

import numpy as np
import pytest
import torch
from family import classes_of
from padding import PADDINGS, padded
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from stages.augment.batch_augmentation import BatchAugmentation, augmented_batch
from stages.augment.spec_augment import SpecAugment
from stages.schema.part import Part

AUGMENTATIONS = classes_of(BatchAugmentation)
NUM_FEATURES = 80
LENGTHS = (300, 180, 1)
RAMP = torch.linspace(-1.0, 3.0, 100 * NUM_FEATURES).reshape(1, 100, NUM_FEATURES)  # no value is its mean


@pytest.fixture(params=AUGMENTATIONS, ids=lambda cls: cls.__name__)
def augmentation(request: pytest.FixtureRequest) -> BatchAugmentation:
    built: BatchAugmentation = request.param()
    return built


def seeds(epoch: int = 0) -> list[tuple[int, ...]]:
    """The seeds of a batch: by seed, epoch, utterance and copy."""
    return [(0, epoch, number, 0) for number in range(len(LENGTHS))]


def utterances() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(length, NUM_FEATURES, generator=generator) for length in LENGTHS]


def batch(padding: str = "zeros", num_more: int = 0) -> Tensor:
    together = pad_sequence(utterances(), batch_first=True)
    return padded(together, torch.tensor(LENGTHS), padding, num_more)


def changed(augmentation: BatchAugmentation, features: Tensor, epoch: int = 0) -> list[Tensor]:
    """The frames of each utterance, without the padding."""
    found = augmented_batch([augmentation], features, torch.tensor(LENGTHS), seeds(epoch))
    assert found.shape == features.shape
    assert found.dtype == features.dtype
    return [row[:length] for row, length in zip(found, LENGTHS, strict=True)]


def test_the_classes_are_found() -> None:
    assert SpecAugment in AUGMENTATIONS


def test_the_same_seeds_give_the_same_features(augmentation: BatchAugmentation) -> None:
    first, second = (changed(augmentation, batch()) for _ in range(2))
    assert all(a.equal(b) for a, b in zip(first, second, strict=True))


def test_epochs_differ(augmentation: BatchAugmentation) -> None:
    epochs = [changed(augmentation, batch(), epoch)[0] for epoch in range(5)]
    assert not any(a.equal(b) for n, a in enumerate(epochs) for b in epochs[:n])


def test_an_augmentation_leaves_its_input_as_it_is(augmentation: BatchAugmentation) -> None:
    features = batch()
    changed(augmentation, features)
    assert features.equal(batch())


@pytest.mark.parametrize("padding", PADDINGS)
def test_neighbours_and_padding_change_nothing(augmentation: BatchAugmentation, padding: str) -> None:
    together = changed(augmentation, batch(padding, num_more=50))
    for row, (utterance, seed) in enumerate(zip(utterances(), seeds(), strict=True)):
        alone = augmented_batch([augmentation], utterance[None], torch.tensor([len(utterance)]), [seed])
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-6)


def test_padding_is_not_written_to(augmentation: BatchAugmentation) -> None:
    found = augmented_batch([augmentation], batch(), torch.tensor(LENGTHS), seeds())
    assert all(not row[length:].any() for row, length in zip(found, LENGTHS, strict=True))


def test_half_precision_stays_half_precision(augmentation: BatchAugmentation) -> None:
    changed(augmentation, batch().bfloat16())


def masked(augmentation: SpecAugment, seed: int, features: Tensor = RAMP) -> np.ndarray:
    """Where an utterance's values became its mean: (T, F)."""
    lengths = torch.tensor([features.shape[1]])
    found = augmented_batch([augmentation], features, lengths, [(seed,)])
    return (found != features)[0].numpy()


def test_the_masks_of_a_seed_are_always_the_same() -> None:
    bands, frames = SpecAugment().draw(300, 80, np.random.default_rng([0, 0, 17, 0]))
    assert bands == [(10, 26), (33, 34)]
    assert frames == [(274, 285), (225, 234), (232, 236), (15, 23), (82, 89)]


def test_a_mask_is_filled_with_the_mean_of_the_utterance() -> None:
    found = augmented_batch([SpecAugment()], batch("1000"), torch.tensor(LENGTHS), seeds())
    for row, utterance in zip(found, utterances(), strict=True):
        of_utterance = row[: len(utterance)]
        filled = of_utterance[of_utterance != utterance]
        torch.testing.assert_close(filled, utterance.mean().expand_as(filled), rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(50))
def test_spec_augment_masks_at_most_its_maxima(seed: int) -> None:
    augmentation = SpecAugment(
        num_frequency_masks=2,
        max_frequency_bands=10,
        num_time_masks=3,
        max_time_frames=8,
        max_time_fraction=1.0,
    )
    mask = masked(augmentation, seed)
    bands, frames = mask.all(axis=0), mask.all(axis=1)
    assert bands.sum() <= 2 * 10
    assert frames.sum() <= 3 * 8
    np.testing.assert_array_equal(mask, bands[None, :] | frames[:, None])


def mask_widths(max_time_frames: int, max_time_fraction: float) -> set[int]:
    """The widths of 200 time masks on 100 frames."""
    augmentation = SpecAugment(
        num_frequency_masks=0,
        num_time_masks=1,
        max_time_frames=max_time_frames,
        max_time_fraction=max_time_fraction,
    )
    return {int(masked(augmentation, seed)[:, 0].sum()) for seed in range(200)}


def test_a_mask_is_between_0_and_its_maximum_wide() -> None:
    assert mask_widths(max_time_frames=3, max_time_fraction=1.0) == {0, 1, 2, 3}


def test_a_time_mask_is_at_most_a_share_of_the_utterance() -> None:
    assert mask_widths(max_time_frames=40, max_time_fraction=0.05) == {0, 1, 2, 3, 4, 5}


def test_no_masks_change_nothing() -> None:
    assert not masked(SpecAugment(num_frequency_masks=0, num_time_masks=0), 0).any()


def masks(policy: Literal[1, 2, 3] | None, seed: int) -> tuple[int, int]:
    """The numbers of masked bands and frames in 100 frames of 80 bands; all masks have width 1."""
    augmentation = SpecAugment(policy=policy, max_frequency_bands=1, max_time_frames=1, max_time_fraction=1.0)
    mask = masked(augmentation, seed)
    return int(mask.all(axis=0).sum()), int(mask.all(axis=1).sum())


@pytest.mark.parametrize(("policy", "most"), [(1, {1}), (2, {2}), (3, {1, 2})])
def test_a_policy_is_one_mask_of_each_kind_two_or_either(policy: Literal[1, 2, 3], most: set[int]) -> None:
    drawn = [SpecAugment(policy=policy).draw(100, 80, np.random.default_rng(seed)) for seed in range(50)]
    assert {(len(bands), len(frames)) for bands, frames in drawn} == {(number, number) for number in most}
    assert max(max(masks(policy, seed)) for seed in range(200)) == max(most)


def test_a_rate_masks_that_share_of_the_utterances() -> None:
    augmentation = SpecAugment(policy=2, rate=0.3, max_frequency_bands=80)
    assert 0.25 < np.mean([masked(augmentation, seed).any() for seed in range(1000)]) < 0.33


def test_a_policy_and_numbers_of_masks_contradict_each_other() -> None:
    part = Part(
        class_path="stages.augment.spec_augment.SpecAugment", init_args={"policy": 3, "num_time_masks": 1}
    )
    with pytest.raises(ValueError, match="remove num_frequency_masks and num_time_masks"):
        part.build()
