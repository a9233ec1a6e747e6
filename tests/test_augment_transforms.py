"""Transforms of audiomentations and of users in params.yaml: the examples of README, and rejected ones.

N samples.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_modules import CODE, COPIES, FRESH, IN_APPLY, SEVEN, STRETCHED, WriteModule, own_modules
from ruamel.yaml import YAML

from stages.augment.augmentation import Augmentation, Samples
from stages.augment.building import build, with_sounds
from stages.augment.chain import augmented
from stages.augment.transformed import Transformed
from stages.augment.trial import try_out
from stages.preflight.reading import read_params
from stages.schema.part import Part

SAMPLE_RATE = 16000

WriteParams = Callable[..., Path]


def speech(num_samples: int = SAMPLE_RATE, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).normal(0.0, 0.1, num_samples).astype(np.float32)


def part(class_path: str, **init_args: Any) -> Part:
    return Part(class_path=class_path, init_args=init_args)


def transform(class_path: str, **init_args: Any) -> Augmentation:
    found: Augmentation = build(part(f"audiomentations.{class_path}", **init_args))
    return found


def chain(augment: list[dict[str, Any]]) -> list[Augmentation]:
    """Built as in training, without inputs."""
    return [build(with_sounds(Part.model_validate(each), Path("none"), SAMPLE_RATE)) for each in augment]


def applied(augmentations: list[Augmentation], seed: int, samples: Samples | None = None) -> Samples:
    samples = speech() if samples is None else samples
    return augmented(augmentations, samples, SAMPLE_RATE, np.random.default_rng(seed), "u")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteModule]:
    yield from own_modules(tmp_path, monkeypatch)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_the_examples_of_the_readme_are_sound(
    own: WriteModule, write_params: WriteParams, sample_rate: int
) -> None:
    changes = {**FRESH, "features.sample_rate": sample_rate, "features.copies": COPIES}
    for augment in (SEVEN, STRETCHED):
        read_params(write_params(changes | {"train.augment": augment}))


def test_the_seven_are_the_recipe_for_phonemes(write_params: WriteParams) -> None:
    recipe = YAML(typ="safe", pure=True).load(write_params({}, recipe="phonemes_wav2vec2").read_text())
    assert recipe["train"]["augment"] == SEVEN
    assert len(SEVEN) == 7


@pytest.mark.parametrize("augment", [SEVEN, STRETCHED, COPIES], ids=["seven", "stretched", "copies"])
def test_examples_of_the_readme_run_the_same_twice_and_otherwise_in_other_epochs(
    augment: list[dict[str, Any]],
) -> None:
    runs = [[applied(chain(augment), seed).tobytes() for seed in range(20)] for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 15


def test_a_share_of_p_is_changed() -> None:
    noise = transform("AddGaussianNoise", p=0.4)
    changed = [not np.array_equal(applied([noise], seed, speech(100)), speech(100)) for seed in range(1000)]
    assert 0.35 < np.mean(changed) < 0.45


def test_a_stretch_may_change_the_length() -> None:
    lengths = {len(applied(chain(STRETCHED), seed)) for seed in range(20)}
    assert min(lengths) < SAMPLE_RATE < max(lengths)
    assert all(SAMPLE_RATE / 1.31 < length < SAMPLE_RATE / 0.69 for length in lengths)


def test_nobody_elses_random_numbers_are_touched() -> None:
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    applied([transform("AddGaussianNoise", p=1.0)], 0)
    assert (random.random(), np.random.random()) == expected


def test_a_draw_that_does_not_fit_a_recording_is_drawn_anew() -> None:
    shift = transform("Shift", min_shift=-500, max_shift=500, shift_unit="samples", p=1.0)  # of 500 samples
    assert {len(applied([shift], seed, speech(500))) for seed in range(300)} == {500}


class Failing:
    def __call__(self, samples: Samples, sample_rate: int) -> Samples:
        raise RuntimeError("no band")


class Empty:
    def __call__(self, samples: Samples, sample_rate: int) -> Samples:
        return samples[:0]


class Silent:
    def __call__(self, samples: Samples, sample_rate: int) -> None:
        return None


class Sometimes:
    """In one of two draws, no samples or NaN."""

    def __init__(self, otherwise: Samples) -> None:
        self.otherwise = otherwise

    def __call__(self, samples: Samples, sample_rate: int) -> Samples:
        return samples if random.random() < 0.5 else self.otherwise


@pytest.mark.parametrize("otherwise", [np.zeros(0, np.float32), np.full(5, np.nan), np.ones((2, 5))])
def test_a_draw_that_leaves_no_recording_is_drawn_anew(otherwise: Samples) -> None:
    sometimes = Transformed(Sometimes(otherwise), "my.Transform")
    for seed in range(20):
        np.testing.assert_array_equal(applied([sometimes], seed, speech(5)), speech(5))


@pytest.mark.parametrize(
    ("transform", "problem"),
    [
        (Failing(), "no band"),
        (Empty(), "returned no samples"),
        (Silent(), "returned NoneType instead of samples"),
    ],
)
def test_what_never_fits_is_an_error_with_transform_and_utterance(transform: Any, problem: str) -> None:
    with pytest.raises(
        ValueError, match=f"utterance u: my.Transform: cannot change 5 samples at 16000 Hz: {problem}"
    ):
        applied([Transformed(transform, "my.Transform")], 0, speech(5))


@pytest.mark.parametrize("code", [CODE, IN_APPLY], ids=["randomize_parameters", "in apply"])
def test_a_pitch_shift_of_ones_own_runs(own: WriteModule, code: str) -> None:
    module = own("custom_pitch_shift", code)
    shift = part(f"{module}.CustomPitchShift", min_semitones=-3, max_semitones=3, p=1.0)
    try_out(shift, Path("data/raw/none"), SAMPLE_RATE)
    tone = np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    runs = [[applied([build(shift)], seed, tone) for seed in range(3)] for _ in range(2)]
    np.testing.assert_array_equal(*runs)
    hertz = [np.abs(np.fft.rfft(samples)).argmax() for samples in runs[0]]
    assert len(set(hertz)) == 3
    assert all(340 < each < 560 for each in hertz)


CALLABLE = """
import numpy as np

class Quieter:
    def __init__(self, factor: float = 0.5) -> None:
        self.factor = factor
    def __call__(self, samples, sample_rate):
        return samples * self.factor
"""


def test_anything_that_is_called_with_samples_and_sample_rate_will_do(
    own: WriteModule, write_params: WriteParams
) -> None:
    module = own("quieter", CALLABLE)
    copies = [{"class_path": f"{module}.Quieter", "init_args": {"factor": 0.25}}]
    params = read_params(write_params({"features.copies": copies}))
    np.testing.assert_array_equal(applied([build(params.features.copies[0])], 0), speech() * np.float32(0.25))
