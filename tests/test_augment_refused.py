"""Invalid augmentations in params.yaml: each is rejected with its path before anything runs."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from own_modules import FRESH, IN_APPLY, WriteModule, own_modules

from stages.augment.building import build
from stages.preflight.reading import read_params
from stages.schema.part import Part

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
    """The error about params with this in train.augment."""

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
    assert "runs would differ" in refusal(f"{module}.Elsewhere")
    assert "runs would differ" in refusal("audiomentations.TimeStretch", min_rate=0.2, max_rate=0.4)


OWN_AUGMENTATION = """
import numpy as np
from stages.augment.augmentation import Augmentation

class Own(Augmentation):
    def __init__(self) -> None:
        self.count, self.own = 0, np.random.default_rng()
        self.filter = {drawn}

    def apply(self, samples, sample_rate, generator):
        self.count += 1
        {body}
"""


@pytest.mark.parametrize(
    ("drawn", "body", "problem"),
    [
        ("0", "return samples + np.float32(np.random.normal())", "runs would differ"),
        ("0", "return samples * np.float32(self.count)", "keeps state between recordings"),
        ("self.own.random()", "return samples * np.float32(self.filter)", "runs would differ"),
        ("0", "samples *= np.float32(0.5); return samples", "changes the given samples"),
        ("0", "raise RuntimeError('it never works')", "fails: RuntimeError: it never works"),
        ("0", "return np.stack([samples, samples])", r"returned an array of shape \(2, 16000\)"),
    ],
)  # fmt: skip
def test_an_augmentation_that_no_two_runs_could_share_is_refused(
    own: WriteModule, refusal: Callable[..., str], drawn: str, body: str, problem: str
) -> None:
    module = own("unlike_itself", OWN_AUGMENTATION.format(drawn=drawn, body=body))
    assert re.search(rf"train\.augment\[0\]: {module}\.Own .*{problem}", refusal(f"{module}.Own"))


def test_what_a_constructor_draws_is_the_same_in_every_process(own: WriteModule) -> None:
    body = "return samples * np.float32(self.filter)"
    module = own("drawn_once", OWN_AUGMENTATION.format(drawn="np.random.random()", body=body))
    one, other = (build(Part(class_path=f"{module}.Own")) for _ in range(2))
    assert one.filter == other.filter


CRUSH = {"class_path": "audiomentations.BitCrush", "init_args": {"q": 1}}


@pytest.mark.parametrize(
    ("name", "init_args", "problem"),
    [
        ("AddGaussianNoise", {"min_amplitud": 0.1}, r"\.init_args\.min_amplitud: unknown key"),
        ("AddGaussianNoise", {"min_amplitude": 0.2}, r": .* rejects these arguments: assert max_amp"),
        ("PitchShift", {"min_semitones": 5.0}, r"min_semitones must not be greater than max_semitones"),
        ("PitchShift", {"min_semitones": "low"}, r"\.init_args\.min_semitones: .*number, found 'low'"),
        ("Compose", {"transforms": [CRUSH]}, r"\.init_args\.transforms\[0\]\.init_args\.q: unknown key"),
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


OWN = """
import numpy as np

class {name}:
    __slots__ = ()
    def __call__(self, samples, sample_rate):
        {body}
"""


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return None", "returned NoneType instead of samples"),
        ("return np.stack([samples, samples])", r"returned an array of shape \(2, 16000\)"),
        ("return samples * np.nan", "returned NaN"),
        ("return samples[:0]", "returned no samples"),
        ("return (samples * 32767).astype(np.int16)", "returned samples of type int16"),
        ("raise SystemExit(0)", "fails: SystemExit: 0"),
    ],
)  # fmt: skip
def test_what_gives_no_recording_is_refused(
    own: WriteModule, refusal: Callable[..., str], body: str, problem: str
) -> None:
    module = own("no_recording", OWN.format(name="Own", body=body))
    assert re.search(rf"train\.augment\[0\]: {module}\.Own .*{problem}", refusal(f"{module}.Own"))


def test_a_class_without_attributes_is_sound(own: WriteModule, write_params: WriteParams) -> None:
    module = own("without_attributes", OWN.format(name="Own", body="return samples"))
    read_params(write_params({**FRESH, "train.augment": [{"class_path": f"{module}.Own"}]}))


def test_sounds_are_refused_at_their_place(own: WriteModule, refusal: Callable[..., str]) -> None:
    noise = "stages.augment.background_noise.BackgroundNoise"
    assert "train.augment[0].init_args.sounds: the list is empty" in refusal(noise, sounds=[])
    assert "train.augment[0].init_args.sounds[0]: /a.wav: must be" in refusal(noise, sounds=["/a.wav"])


def test_transforms_within_others_are_refused_at_their_places_all_at_once(
    own: WriteModule, refusal: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unseen_transform.py").write_text(OWN.format(name="Own", body="return samples"))
    monkeypatch.syspath_prepend(tmp_path)
    transforms = [
        {"class_path": "unseen_transform.Own"},
        {"class_path": "stages.augment.speed.Speed"},
        {"class_path": "subprocess.Popen", "init_args": {"args": "true"}},
        {"class_path": "audiomentations.OneOf", "init_args": {"transforms": [CRUSH]}},
        {"class_path": "audiomentations.Reverse", "args": {}},
    ]
    text = refusal("audiomentations.Compose", transforms=transforms)
    within = "train.augment[0].init_args.transforms"
    for place, problem in (
        ("[0].class_path", "unseen_transform.Own is where DVC does not see edits"),
        (
            "[1].class_path",
            "stages.augment.speed.Speed cannot be nested in other transforms: name it in the list itself",
        ),
        ("[2].class_path", "subprocess.Popen is not a subclass of stages.augment.transform.Transform"),
        ("[3].init_args.transforms[0].init_args.q", ""),
        ("[4].args", "unknown key"),
    ):
        assert f"{within}{place}: {problem}" in text


def test_a_transform_within_that_refuses_its_arguments_is_named_at_its_place(
    refusal: Callable[..., str],
) -> None:
    noise = {"class_path": "audiomentations.AddGaussianNoise", "init_args": {"min_amplitude": 0.2}}
    text = refusal("audiomentations.Compose", transforms=[CRUSH | {"init_args": {}}, noise])
    assert "train.augment[0].init_args.transforms[1]: audiomentations.AddGaussianNoise rejects these" in text


def test_what_is_called_with_samples_may_be_a_transform(
    own: WriteModule, refusal: Callable[..., str], write_params: WriteParams
) -> None:
    quieter = {"class_path": "audiomentations.PolarityInversion", "init_args": {"p": 1.0}}
    augment = [{"class_path": "audiomentations.RepeatPart", "init_args": {"part_transform": quieter}}]
    read_params(write_params({**FRESH, "train.augment": augment}))
    assert "init_args.part_transform: " in refusal("audiomentations.RepeatPart", part_transform="invert")
    unknown = {"class_path": "audiomentations.Polarity"}
    text = refusal("audiomentations.RepeatPart", part_transform=unknown)
    assert "train.augment[0].init_args.part_transform.class_path: cannot import" in text


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
