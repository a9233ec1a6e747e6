"""Augmentations that params.yaml cannot have: each is refused with its path before anything runs."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from own_modules import FRESH, IN_APPLY, WriteModule, own_modules

from stages.schema.reading import read_params

SAMPLE_RATE = 16000
ELSEWHERE = """
import numpy as np

class Elsewhere:
    generator = np.random.default_rng()
    def __call__(self, samples, sample_rate):
        return samples * self.generator.random()
"""

WriteParams = Callable[..., Path]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteModule]:
    yield from own_modules(tmp_path, monkeypatch)


@pytest.fixture
def refusal(own: WriteModule, write_params: WriteParams) -> Callable[..., str]:
    """What is said of params with this in train.augment."""

    def refuse(class_path: str, sample_rate: int = SAMPLE_RATE, **init_args: Any) -> str:
        augment = [{"class_path": class_path, "init_args": init_args}]
        changes = {**FRESH, "features.sample_rate": sample_rate, "train.augment": augment}
        with pytest.raises(ValueError, match=r"params\.yaml cannot be used") as raised:
            read_params(write_params(changes))
        return str(raised.value)

    return refuse


def test_a_pitch_shift_by_position_is_refused_with_what_librosa_says(
    own: WriteModule, refusal: Callable[..., str]
) -> None:
    own("by_position", IN_APPLY.replace("sr=sample_rate, n_steps=", "sample_rate, "))
    text = refusal("stages.augment.by_position.CustomPitchShift")
    assert "pitch_shift() takes 1 positional argument but 3 were given" in text


def test_randomness_from_elsewhere_is_refused(own: WriteModule, refusal: Callable[..., str]) -> None:
    module = own("elsewhere", ELSEWHERE)
    assert "no two runs would agree" in refusal(f"{module}.Elsewhere")
    assert "no two runs would agree" in refusal("audiomentations.TimeStretch", min_rate=0.2, max_rate=0.4)


CRUSH = {"class_path": "audiomentations.BitCrush", "init_args": {"q": 1}}


@pytest.mark.parametrize(
    ("name", "init_args", "problem"),
    [
        ("AddGaussianNoise", {"min_amplitud": 0.1}, r"\.init_args\.min_amplitud: unknown key"),
        ("AddGaussianNoise", {"min_amplitude": 0.2}, r": .* refuses these arguments: assert max_amp"),
        ("PitchShift", {"min_semitones": 5.0}, r"min_semitones must not be greater than max_semitones"),
        ("PitchShift", {"min_semitones": "low"}, r"\.init_args\.min_semitones: .*number, found 'low'"),
        ("Compose", {"transforms": [CRUSH]}, r": .* refuses these arguments: init_args\.q"),
        ("AddGaussianNois", {}, r"\.class_path: cannot import: .*did you mean audiomentations\.AddGauss"),
        ("Mp3Compression", {}, r"needs the package fast_mp3_augment: pip install fast_mp3_augment"),
        ("RoomSimulator", {}, r"needs the package pyroomacoustics"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_its_path(
    refusal: Callable[..., str], name: str, init_args: dict[str, Any], problem: str
) -> None:
    text = refusal(f"audiomentations.{name}", **init_args)
    assert re.search(rf"train\.augment\[0\].*{problem}", text), text


def test_a_band_beyond_half_the_sample_rate_is_refused(refusal: Callable[..., str]) -> None:
    band = {"min_center_freq": 5500, "max_center_freq": 6000, "min_bandwidth_fraction": 0.1}
    text = refusal("audiomentations.BandPassFilter", 8000, **band, max_bandwidth_fraction=0.5)
    assert "train.augment[0]: audiomentations.BandPassFilter cannot change 8000 samples at 8000 Hz" in text


@pytest.mark.parametrize(
    ("missing", "name"), [("audiomentations", "BitCrush"), ("numpy_audio_limiter", "Limiter")]
)
def test_a_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, refusal: Callable[..., str], missing: str, name: str
) -> None:
    def without(module: str, *args: Any, **kwargs: Any) -> Any:
        if module.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)
        return imported(module, *args, **kwargs)

    imported = __import__
    for module in [module for module in sys.modules if module.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr("builtins.__import__", without)
    monkeypatch.setattr("importlib.import_module", lambda name: without(name) and sys.modules[name])
    expected = (
        rf"train\.augment\[0\].*needs the package {missing}: pip install -c constraints.txt -e '\.\[augm"
    )
    assert re.search(expected, refusal(f"audiomentations.{name}"))
