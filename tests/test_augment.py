"""Every augmentation of recordings in stages/augment, found automatically; then Speed and a chain of some.

N samples.
"""

import inspect
import re
from typing import Any

import numpy as np
import pytest
from family import classes_of, part_of

from stages.augment.augmentation import Augmentation, Samples
from stages.augment.background_noise import BackgroundNoise
from stages.augment.building import build
from stages.augment.chain import augmented
from stages.augment.impulse_response import ImpulseResponse
from stages.augment.speed import Speed
from stages.augment.transform import Transform
from stages.augment.transformed import Transformed

AUGMENTATIONS = [cls for cls in classes_of(Augmentation) if cls is not Transformed]  # built for a transform
TRANSFORMS = classes_of(Transform, "stages.augment")  # people's own, that are called like audiomentations'
SAMPLE_RATE = 16000


def always(cls: type[Any]) -> Augmentation:
    """Built as in the stages, with its defaults, but applied to every utterance."""
    takes_p = "p" in inspect.signature(cls).parameters
    built: Augmentation = build(part_of(cls, **({"p": 1.0} if takes_p else {})))
    if isinstance(built, Transformed):
        built.always()
    return built


@pytest.fixture(params=[*AUGMENTATIONS, *TRANSFORMS], ids=lambda cls: cls.__name__)
def augmentation(request: pytest.FixtureRequest) -> Augmentation:
    return always(request.param)


def generator(epoch: int = 0) -> np.random.Generator:
    """Seeded as in the dataset: by seed, epoch, utterance and copy."""
    return np.random.default_rng([0, epoch, 17, 0])


def tone(hertz: float, seconds: float = 1.0) -> Samples:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def pitch(samples: Samples) -> float:
    """The loudest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[spectrum.argmax()])


def test_the_classes_are_found() -> None:
    assert {BackgroundNoise, ImpulseResponse, Speed} <= set(AUGMENTATIONS)


def test_the_same_generator_gives_the_same_samples(augmentation: Augmentation) -> None:
    first, second = (augmentation.apply(tone(440.0), SAMPLE_RATE, generator()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_an_augmentation_that_draws_differs_between_epochs(augmentation: Augmentation) -> None:
    unused, used = generator(), generator()
    augmentation.apply(tone(440.0), SAMPLE_RATE, used)
    if used.random() == unused.random():
        return  # such as Speed: nothing is random
    epochs = {augmentation.apply(tone(440.0), SAMPLE_RATE, generator(epoch)).tobytes() for epoch in range(5)}
    assert len(epochs) == 5


def test_an_augmentation_leaves_its_input_as_it_is(augmentation: Augmentation) -> None:
    samples = tone(440.0)
    augmentation.apply(samples, SAMPLE_RATE, generator())
    np.testing.assert_array_equal(samples, tone(440.0))


def test_an_augmentation_draws_from_its_generator_alone(augmentation: Augmentation) -> None:
    changed = []
    for seed in range(2):
        np.random.seed(seed)
        changed.append(augmentation.apply(tone(440.0), SAMPLE_RATE, generator()))
    np.testing.assert_array_equal(*changed)


@pytest.mark.parametrize("num_samples", [1, 2, 15999, 16000])
@pytest.mark.parametrize("sample_rate", [8000, 44100])
def test_recordings_of_any_length_and_rate_stay_finite_samples(
    augmentation: Augmentation, num_samples: int, sample_rate: int
) -> None:
    changed = augmentation.apply(tone(440.0)[:num_samples], sample_rate, generator())
    assert changed.ndim == 1
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()


@pytest.mark.parametrize("cls", [BackgroundNoise, ImpulseResponse, Speed])
def test_silence_stays_silence(cls: type[Augmentation]) -> None:
    assert not always(cls).apply(np.zeros(800, np.float32), SAMPLE_RATE, generator()).any()


def test_a_share_of_p_is_changed() -> None:
    samples = tone(440.0, 0.01)
    for cls in AUGMENTATIONS:
        if "p" in inspect.signature(cls).parameters:
            built = cls(p=0.3)
            kept = [
                np.array_equal(built.apply(samples, SAMPLE_RATE, generator(epoch)), samples)
                for epoch in range(1000)
            ]
            assert 0.65 < np.mean(kept) < 0.75


@pytest.mark.parametrize(("factor", "num_samples"), [(0.9, 17778), (1.0, 16000), (1.1, 14545), (2.0, 8000)])
def test_speed_divides_the_length_by_its_factor(factor: float, num_samples: int) -> None:
    assert len(Speed(factor).apply(tone(440.0), SAMPLE_RATE, generator())) == num_samples


@pytest.mark.parametrize(("factor", "hertz"), [(0.9, 396.0), (1.1, 484.0)])
def test_speed_multiplies_the_pitch_by_its_factor(factor: float, hertz: float) -> None:
    assert pitch(Speed(factor).apply(tone(440.0), SAMPLE_RATE, generator())) == pytest.approx(hertz, abs=1.0)


class Times(Augmentation):
    def __init__(self, factor: float, plus: float = 0.0) -> None:
        self.factor, self.plus = factor, plus

    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        return samples * np.float32(self.factor) + np.float32(self.plus)


class Nothing(Augmentation):
    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        return samples[:0]


class Whole(Augmentation):
    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        return (samples * 32767).astype(np.int16)


class Broken(Augmentation):
    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        raise KeyError("gain")


def chained(*augmentations: Augmentation) -> Samples:
    return augmented(augmentations, np.array([0.25, -0.5], np.float32), SAMPLE_RATE, generator(), "u-1")


def test_augmentations_are_applied_in_their_order() -> None:
    assert chained(Times(0.5), Times(1.0, plus=0.25)).tolist() == [0.375, 0.0]
    assert chained(Times(1.0, plus=0.25), Times(0.5)).tolist() == [0.25, -0.125]


def test_what_would_clip_is_turned_down_as_a_whole() -> None:
    assert chained(Times(4.0)).tolist() == [0.5, -1.0]
    assert chained(Times(2.0)).tolist() == [0.5, -1.0]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (Nothing(), "returned no samples"),
        (Times(np.nan), "returned NaN"),
        (Whole(), "returned samples of type int16"),
        (Broken(), "'gain'"),
    ],
    ids=["empty", "NaN", "integers", "exception"],
)
def test_an_error_names_augmentation_and_utterance(wrong: Augmentation, problem: str) -> None:
    name = re.escape(f"utterance u-1: {wrong.name}: ")
    with pytest.raises(ValueError, match=f"{name}.*{problem}"):
        chained(Times(0.5), wrong)
