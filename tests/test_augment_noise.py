"""Background noise and impulse responses, from folders and generated.

N samples.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stages.augment.augmentation import Augmentation, Samples
from stages.augment.background_noise import BackgroundNoise, coloured_noise
from stages.augment.building import build, with_sounds
from stages.augment.impulse_response import room_response
from stages.schema.nested import Unresolved
from stages.schema.part import Part

SAMPLE_RATE = 16000
NOISE = "stages.augment.background_noise.BackgroundNoise"
RESPONSE = "stages.augment.impulse_response.ImpulseResponse"


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def speech(num_samples: int = 16000) -> Samples:
    return generator(1).normal(0.0, 0.1, num_samples).astype(np.float32)


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2)))


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with two noises, 440 Hz at 48 kHz in stereo and 880 Hz at 8 kHz, and an impulse response."""
    for path, hertz, sample_rate in (("noise/a.wav", 440, 48000), ("noise/more/B.FLAC", 880, 8000)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(sample_rate // 2) / sample_rate)
        channels = np.stack([tone, tone], axis=1) if sample_rate == 48000 else tone
        soundfile.write(tmp_path / path, channels, sample_rate)
    (tmp_path / "noise" / "README.txt").write_text("half a second each")
    (tmp_path / "rooms").mkdir()
    echo = np.zeros(1000, np.float32)
    echo[[100, 500]] = 0.8, 0.4  # the recorder delays by 100 samples
    soundfile.write(tmp_path / "rooms" / "echo.wav", echo, SAMPLE_RATE, subtype="FLOAT")
    return tmp_path


def built(inputs: Path, class_path: str, **init_args: Any) -> Augmentation:
    found: Augmentation = build(
        with_sounds(Part(class_path=class_path, init_args={"p": 1.0, **init_args}), inputs, SAMPLE_RATE)
    )
    return found


@pytest.mark.parametrize("sounds", [None, "noise"])
@pytest.mark.parametrize("snr_db", [0.0, 8.0, 55.0])
def test_noise_has_its_ratio_to_the_signal(inputs: Path, sounds: str | None, snr_db: float) -> None:
    noise = built(inputs, NOISE, sounds=sounds, min_snr_db=snr_db, max_snr_db=snr_db)
    added = noise.apply(speech(), SAMPLE_RATE, generator()) - speech()
    assert level_db(speech()) - level_db(added) == pytest.approx(snr_db, abs=0.01)


def test_ratios_are_spread_over_their_range() -> None:
    noise = BackgroundNoise(min_snr_db=8.0, max_snr_db=55.0, p=1.0)
    added = [noise.apply(speech(800), SAMPLE_RATE, generator(seed)) - speech(800) for seed in range(200)]
    ratios = [level_db(speech(800)) - level_db(each) for each in added]
    assert 8 <= min(ratios) < 10
    assert 53 < max(ratios) <= 55.1


def test_every_sound_of_a_folder_and_of_those_below_it_is_drawn(inputs: Path) -> None:
    noise = built(inputs, NOISE, sounds="noise", min_snr_db=-40.0, max_snr_db=-40.0)
    heard = set()
    for seed in range(20):
        spectrum = np.abs(np.fft.rfft(noise.apply(speech(), SAMPLE_RATE, generator(seed))))
        heard.add(round(float(np.fft.rfftfreq(16000, 1 / SAMPLE_RATE)[spectrum.argmax()]), -1))
    assert heard == {440, 880}


def test_a_noise_that_is_shorter_begins_again(inputs: Path) -> None:
    noise = built(inputs, NOISE, sounds="noise/a.wav", min_snr_db=8.0, max_snr_db=8.0)
    added = noise.apply(speech(20000), SAMPLE_RATE, generator()) - speech(20000)
    np.testing.assert_allclose(added[:8000], added[8000:16000], atol=1e-6)


@pytest.mark.parametrize(("seed", "num_samples"), [(0, 16000), (1, 15999)])
def test_coloured_noise_falls_by_up_to_6_db_an_octave(seed: int, num_samples: int) -> None:
    slopes = []
    for number in range(40):
        power = (
            np.abs(np.fft.rfft(coloured_noise(num_samples, SAMPLE_RATE, generator(100 * seed + number)))) ** 2
        )
        low, high = power[500:1000].mean(), power[4000:8000].mean()  # three octaves apart
        slopes.append(10 * np.log10(low / high) / 3)
    assert -0.5 < min(slopes) < 1
    assert 5 < max(slopes) < 6.5


def test_a_synthetic_room_decays_by_60_db_in_its_reverberation_time() -> None:
    energies = [
        room_response(0.5, SAMPLE_RATE, generator(seed))[1:].astype(np.float64) ** 2 for seed in range(50)
    ]
    decay = 10 * np.log10(np.mean(energies, axis=0).reshape(-1, 7999 // 19).mean(axis=1))  # in 19 parts
    assert decay[0] - decay[-1] == pytest.approx(60 * 18 / 19, abs=1.0)


def test_a_room_changes_neither_length_nor_loudness(inputs: Path) -> None:
    for responses in (None, "rooms"):
        changed = built(inputs, RESPONSE, responses=responses).apply(speech(), SAMPLE_RATE, generator())
        assert len(changed) == 16000
        assert level_db(changed) == pytest.approx(level_db(speech()), abs=0.01)


def test_a_recorded_response_begins_with_its_peak(inputs: Path) -> None:
    click = np.zeros(1000, np.float32)
    click[0] = 0.5
    changed = built(inputs, RESPONSE, responses="rooms").apply(click, SAMPLE_RATE, generator())
    np.testing.assert_allclose(changed[[0, 400]], 0.5 * np.array([2, 1]) / 5**0.5, rtol=1e-4)


@pytest.mark.parametrize(
    ("sounds", "problem"),
    [
        ("nowhere", "nowhere: no such file or folder"),
        ("empty", "empty: no sounds in it"),
        ("broken", "text.wav: not readable as audio"),
        ("../noise", "must be relative to"),
        ("/tmp", "must be relative to"),
        ("linked", "linked: a symlink; DVC does not track its target"),
        ("linked/a.wav", "linked: a symlink"),
        ("links", "a.wav: a symlink"),
    ],
)
@pytest.mark.parametrize(
    ("class_path", "argument"),
    [(NOISE, "sounds"), (RESPONSE, "responses"), ("audiomentations.AddBackgroundNoise", "sounds_path")],
)
def test_sounds_that_cannot_be_used_are_refused(
    inputs: Path, class_path: str, argument: str, sounds: str, problem: str
) -> None:
    (inputs / "empty").mkdir()
    (inputs / "broken").mkdir()
    (inputs / "broken" / "text.wav").write_text("no audio")
    (inputs / "links").mkdir()
    (inputs / "links" / "a.wav").symlink_to(inputs / "noise" / "a.wav")
    (inputs / "linked").symlink_to(inputs / "noise")
    for written, place in ((sounds, ()), (["noise/a.wav", sounds], (1,))):
        with pytest.raises(Unresolved, match=problem) as raised:
            built(inputs, class_path, **{argument: written})
        assert raised.value.place == ("init_args", argument, *place)


@pytest.mark.parametrize(
    ("class_path", "argument"),
    [(NOISE, "sounds"), (RESPONSE, "responses"), ("audiomentations.ApplyImpulseResponse", "ir_path")],
)
def test_a_list_of_sounds_is_of_files_and_folders_of_the_inputs(
    inputs: Path, class_path: str, argument: str
) -> None:
    part = Part(class_path=class_path, init_args={argument: ["rooms/echo.wav", "noise"]})
    found = with_sounds(part, inputs, SAMPLE_RATE).init_args[argument]
    assert found == [str(inputs / name) for name in ("noise/a.wav", "noise/more/B.FLAC", "rooms/echo.wav")]
    with pytest.raises(Unresolved, match="the list is empty"):
        with_sounds(Part(class_path=class_path, init_args={argument: []}), inputs, SAMPLE_RATE)


@pytest.mark.parametrize(
    ("class_path", "init_args", "problem"),
    [
        (NOISE, {"min_snr_db": 9.0, "max_snr_db": 8.0}, "greater than max_snr_db"),
        (RESPONSE, {"min_rt60_seconds": 0.9}, "greater than max_rt60_seconds, 0.8"),
        (RESPONSE, {"responses": "rooms", "max_rt60_seconds": 0.9}, "have their own reverberation times"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(
    inputs: Path, class_path: str, init_args: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        built(inputs, class_path, **init_args)


def test_transforms_of_audiomentations_read_the_inputs_too(inputs: Path) -> None:
    noise = {
        "class_path": "audiomentations.AddBackgroundNoise",
        "init_args": {"sounds_path": "noise", "p": 1.0},
    }
    for class_path, init_args in (
        ("audiomentations.AddBackgroundNoise", {"sounds_path": "noise"}),
        ("audiomentations.ApplyImpulseResponse", {"ir_path": "rooms"}),
        ("audiomentations.Compose", {"transforms": [noise]}),
    ):
        changed = built(inputs, class_path, **init_args).apply(speech(), SAMPLE_RATE, generator())
        assert np.abs(changed - speech()).max() > 0
