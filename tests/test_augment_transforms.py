"""Transforms of audiomentations and of users, as params.yaml names them: README's own examples, and refusals.

N samples.
"""

import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

import stages.augment
from stages.augment.augmentation import Augmentation, Samples
from stages.augment.building import build, try_out, with_sounds
from stages.augment.chain import augmented
from stages.augment.transformed import Transformed
from stages.schema.part import Part
from stages.schema.reading import read_params

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Augmentation\n")[2].partition("\n## ")[0]
BLOCKS = [
    YAML(typ="safe", pure=True).load(block) for block in re.findall(r"```yaml\n(.*?)```", SECTION, re.S)
]
CODE = re.findall(r"```python\n(.*?)```", SECTION, re.S)[0]
SAMPLE_RATE = 16000
FRESH = {"features": BLOCKS[0]["features"], "train": BLOCKS[0]["train"]}
SEVEN, STRETCHED = (block["train"]["augment"] for block in BLOCKS[1:3])
COPIES = BLOCKS[3]["features"]["copies"]
IN_APPLY = CODE.replace('self.parameters["semitones"]', "np.random.uniform(-4, 4)").replace(
    "import random", "import numpy as np"
)  # as the older examples draw
IN_APPLY = re.sub(r"    def randomize_parameters.*?\n\n", "", IN_APPLY, flags=re.S)

WriteParams = Callable[..., Path]


def speech(num_samples: int = SAMPLE_RATE, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).normal(0.0, 0.1, num_samples).astype(np.float32)


def part(class_path: str, **init_args: Any) -> Part:
    return Part(class_path=class_path, init_args=init_args)


def transform(class_path: str, **init_args: Any) -> Augmentation:
    found: Augmentation = build(part(f"audiomentations.{class_path}", **init_args))
    return found


def chain(augment: list[dict[str, Any]]) -> list[Augmentation]:
    """As training builds it, with no inputs."""
    return [build(with_sounds(Part.model_validate(each), Path("none"), SAMPLE_RATE)) for each in augment]


def applied(augmentations: list[Augmentation], seed: int, samples: Samples | None = None) -> Samples:
    samples = speech() if samples is None else samples
    return augmented(augmentations, samples, SAMPLE_RATE, np.random.default_rng(seed), "u")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], str]]:
    """Writes a module of a user into stages/augment of a project, and returns its dotted path."""
    folder = tmp_path / "stages" / "augment"
    folder.mkdir(parents=True)
    monkeypatch.setattr(stages.augment, "__path__", [*stages.augment.__path__, str(folder)])
    monkeypatch.chdir(tmp_path)
    for name in ("default", "none"):
        (tmp_path / "data" / "raw" / name).mkdir(parents=True)

    def write(name: str, code: str) -> str:
        (folder / f"{name}.py").write_text(code)
        return f"stages.augment.{name}"

    yield write
    for name in [name for name in sys.modules if getattr(sys.modules[name], "__file__", None)]:
        if Path(str(sys.modules[name].__file__)).is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.fixture
def refusal(own: object, write_params: WriteParams) -> Callable[..., str]:
    """What is said of params with this in train.augment."""

    def refuse(class_path: str, sample_rate: int = SAMPLE_RATE, **init_args: Any) -> str:
        waveforms = {"features.frontend": FRESH["features"]["frontend"], "features.sample_rate": sample_rate}
        augment = [{"class_path": class_path, "init_args": init_args}]
        changes = {"train.frontend": FRESH["train"]["frontend"], "train.augment": augment}
        with pytest.raises(ValueError, match=r"params\.yaml cannot be used") as raised:
            read_params(write_params(waveforms | changes))
        return str(raised.value)

    return refuse


@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_the_examples_of_the_readme_are_sound(
    own: object, write_params: WriteParams, sample_rate: int
) -> None:
    changes = {
        "features.frontend": FRESH["features"]["frontend"],
        "train.frontend": FRESH["train"]["frontend"],
    }
    changes |= {"features.sample_rate": sample_rate, "features.copies": COPIES}
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


@pytest.mark.parametrize(
    ("transform", "problem"),
    [(Failing(), "cannot change 5 samples at 16000 Hz: no band"), (Empty(), "left no sample of it")],
)
def test_what_never_fits_is_an_error_with_transform_and_utterance(transform: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=f"utterance u: my.Transform: {problem}"):
        applied([Transformed(transform, "my.Transform")], 0, speech(5))


@pytest.mark.parametrize("code", [CODE, IN_APPLY], ids=["randomize_parameters", "in apply"])
def test_a_pitch_shift_of_ones_own_runs(own: Callable[[str, str], str], code: str) -> None:
    module = own("custom_pitch_shift", code)
    shift = part(f"{module}.CustomPitchShift", min_semitones=-3, max_semitones=3, p=1.0)
    try_out(shift, Path("data/raw/none"), SAMPLE_RATE)
    tone = np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    runs = [[applied([build(shift)], seed, tone) for seed in range(3)] for _ in range(2)]
    np.testing.assert_array_equal(*runs)
    hertz = [np.abs(np.fft.rfft(samples)).argmax() for samples in runs[0]]
    assert len(set(hertz)) == 3
    assert all(340 < each < 560 for each in hertz)


def test_a_pitch_shift_by_position_is_refused_with_what_librosa_says(
    own: Callable[[str, str], str], refusal: Callable[..., str]
) -> None:
    own("by_position", IN_APPLY.replace("sr=sample_rate, n_steps=", "sample_rate, "))
    text = refusal("stages.augment.by_position.CustomPitchShift")
    assert "pitch_shift() takes 1 positional argument but 3 were given" in text


CALLABLE = """
import numpy as np

class Quieter:
    def __init__(self, factor: float = 0.5) -> None:
        self.factor = factor
    def __call__(self, samples, sample_rate):
        return samples * self.factor

class Elsewhere(Quieter):
    generator = np.random.default_rng()
    def __call__(self, samples, sample_rate):
        return samples * self.generator.random()
"""


def test_anything_that_is_called_with_samples_and_sample_rate_will_do(
    own: Callable[[str, str], str], write_params: WriteParams
) -> None:
    module = own("quieter", CALLABLE)
    copies = [{"class_path": f"{module}.Quieter", "init_args": {"factor": 0.25}}]
    params = read_params(write_params({"features.copies": copies}))
    np.testing.assert_array_equal(applied([build(params.features.copies[0])], 0), speech() * np.float32(0.25))


def test_randomness_from_elsewhere_is_refused(
    own: Callable[[str, str], str], refusal: Callable[..., str]
) -> None:
    module = own("elsewhere", CALLABLE)
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
