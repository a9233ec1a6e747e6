"""Every augmentation and every copy of stages/augment, unseen, then SpecAugment and Speed.

T frames, F features, N samples.
"""

from typing import Literal

import numpy as np
import pytest
from family import classes_of

from stages.augment.augmentation import Augmentation, Values
from stages.augment.copy import Copy, Samples
from stages.augment.spec_augment import SpecAugment
from stages.augment.speed import Speed
from stages.schema.part import Part

AUGMENTATIONS, COPIES = classes_of(Augmentation), classes_of(Copy)
SAMPLE_RATE = 16000
SHAPES = {"features": (300, 80), "waveform": (SAMPLE_RATE, 1)}
RAMP = np.linspace(-1.0, 3.0, 100 * 80, dtype=np.float32).reshape(100, 80)  # no value of it is its mean


@pytest.fixture(params=AUGMENTATIONS, ids=lambda cls: cls.__name__)
def augmentation(request: pytest.FixtureRequest) -> Augmentation:
    built: Augmentation = request.param()
    return built


@pytest.fixture(params=COPIES, ids=lambda cls: cls.__name__)
def copy(request: pytest.FixtureRequest) -> Copy:
    built: Copy = request.param()
    return built


def generator(epoch: int = 0) -> np.random.Generator:
    """As the dataset seeds it: by seed, epoch, utterance and copy."""
    return np.random.default_rng([0, epoch, 17, 0])


def values_for(augmentation: Augmentation) -> Values:
    return np.random.default_rng(1).normal(0.0, 0.1, SHAPES[augmentation.domain]).astype(np.float32)


def tone(hertz: float, seconds: float = 1.0) -> Samples:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def pitch(samples: Samples) -> float:
    """The loudest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[spectrum.argmax()])


def test_the_classes_are_found() -> None:
    assert SpecAugment in AUGMENTATIONS
    assert Speed in COPIES


def test_the_same_generator_gives_the_same_augmentation(augmentation: Augmentation) -> None:
    values = values_for(augmentation)
    first, second = (augmentation.apply(values, generator()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_epochs_differ(augmentation: Augmentation) -> None:
    values = values_for(augmentation)
    epochs = {augmentation.apply(values, generator(epoch)).tobytes() for epoch in range(5)}
    assert len(epochs) == 5


def test_an_augmentation_leaves_its_input_as_it_is(augmentation: Augmentation) -> None:
    values = values_for(augmentation)
    before = values.copy()
    augmentation.apply(values, generator())
    np.testing.assert_array_equal(values, before)


def test_an_augmentation_keeps_shape_and_type(augmentation: Augmentation) -> None:
    values = values_for(augmentation)
    changed = augmentation.apply(values, generator())
    assert changed.shape == values.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()


def test_an_augmentation_draws_from_its_generator_alone(augmentation: Augmentation) -> None:
    values = values_for(augmentation)
    changed = []
    for seed in range(2):
        np.random.seed(seed)
        changed.append(augmentation.apply(values, generator()))
    np.testing.assert_array_equal(*changed)


def test_one_frame_can_be_augmented(augmentation: Augmentation) -> None:
    values = values_for(augmentation)[:1]
    assert augmentation.apply(values, generator()).shape == values.shape


@pytest.mark.parametrize("seed", range(50))
def test_spec_augment_masks_at_most_its_maxima(seed: int) -> None:
    masked = (
        SpecAugment(
            num_frequency_masks=2,
            max_frequency_bands=10,
            num_time_masks=3,
            max_time_frames=8,
            max_time_fraction=1.0,
        ).apply(RAMP, np.random.default_rng(seed))
        == RAMP.mean()
    )
    bands, frames = masked.all(axis=0), masked.all(axis=1)
    assert bands.sum() <= 2 * 10
    assert frames.sum() <= 3 * 8
    np.testing.assert_array_equal(masked, bands[None, :] | frames[:, None])


def mask_widths(max_time_frames: int, max_time_fraction: float) -> set[int]:
    """The widths of 200 time masks on 100 frames."""
    augmentation = SpecAugment(
        num_frequency_masks=0,
        num_time_masks=1,
        max_time_frames=max_time_frames,
        max_time_fraction=max_time_fraction,
    )
    band = RAMP[:, :4]
    return {
        int((augmentation.apply(band, np.random.default_rng(seed))[:, 0] == band.mean()).sum())
        for seed in range(200)
    }


def test_a_mask_is_between_0_and_its_maximum_wide() -> None:
    assert mask_widths(max_time_frames=3, max_time_fraction=1.0) == {0, 1, 2, 3}


def test_a_time_mask_is_at_most_a_share_of_the_utterance() -> None:
    assert mask_widths(max_time_frames=40, max_time_fraction=0.05) == {0, 1, 2, 3, 4, 5}


def test_no_masks_change_nothing() -> None:
    values = values_for(SpecAugment())
    changed = SpecAugment(num_frequency_masks=0, num_time_masks=0).apply(values, generator())
    np.testing.assert_array_equal(changed, values)


def masks(policy: Literal[1, 2, 3] | None, seed: int, **arguments: float) -> tuple[int, int]:
    """How many masked bands and frames 100 frames of 80 bands have, of masks that are all one wide."""
    augmentation = SpecAugment(
        policy=policy, max_frequency_bands=1, max_time_frames=1, max_time_fraction=1.0, **arguments
    )
    masked = augmentation.apply(RAMP, np.random.default_rng(seed)) == RAMP.mean()
    return int(masked.all(axis=0).sum()), int(masked.all(axis=1).sum())


@pytest.mark.parametrize(("policy", "most"), [(1, {1}), (2, {2}), (3, {1, 2})])
def test_a_policy_is_one_mask_of_each_kind_two_or_either(policy: Literal[1, 2, 3], most: set[int]) -> None:
    drawn = {SpecAugment(policy=policy)._draw_numbers(np.random.default_rng(seed)) for seed in range(50)}
    assert drawn == {(number, number) for number in most}
    assert max(max(masks(policy, seed)) for seed in range(200)) == max(most)


def test_a_rate_masks_that_share_of_the_utterances() -> None:
    augmentation = SpecAugment(policy=2, rate=0.3, max_frequency_bands=80)
    changed = [
        not np.array_equal(augmentation.apply(RAMP, np.random.default_rng(seed)), RAMP)
        for seed in range(1000)
    ]
    assert 0.25 < np.mean(changed) < 0.33


def test_a_policy_and_numbers_of_masks_contradict_each_other() -> None:
    part = Part(
        class_path="stages.augment.spec_augment.SpecAugment", init_args={"policy": 3, "num_time_masks": 1}
    )
    with pytest.raises(ValueError, match="leave out num_frequency_masks and num_time_masks"):
        part.build()


def test_a_copy_is_deterministic_and_leaves_its_input_as_it_is(copy: Copy) -> None:
    samples = tone(440.0)
    before = samples.copy()
    first, second = (copy.apply(samples, SAMPLE_RATE, generator()) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(samples, before)


def test_a_copy_gives_finite_mono_samples(copy: Copy) -> None:
    changed = copy.apply(tone(440.0), SAMPLE_RATE, generator())
    assert changed.ndim == 1
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()


@pytest.mark.parametrize(("factor", "num_samples"), [(0.9, 17778), (1.0, 16000), (1.1, 14545), (2.0, 8000)])
def test_speed_divides_the_length_by_its_factor(factor: float, num_samples: int) -> None:
    assert len(Speed(factor).apply(tone(440.0), SAMPLE_RATE, generator())) == num_samples


@pytest.mark.parametrize(("factor", "hertz"), [(0.9, 396.0), (1.1, 484.0)])
def test_speed_multiplies_the_pitch_by_its_factor(factor: float, hertz: float) -> None:
    assert pitch(Speed(factor).apply(tone(440.0), SAMPLE_RATE, generator())) == pytest.approx(hertz, abs=1.0)
