"""Every frontend of stages/frontends, found automatically; LogMel against its formula.

B batch, N samples, T frames, F features.
"""

import numpy as np
import pytest
import torch
from family import classes_of
from padding import PADDINGS, padded
from torch import Tensor

from stages.frontends.frontend import Frontend
from stages.frontends.log_mel import LogMel
from stages.frontends.mfcc import MFCC
from stages.frontends.spectrogram import Spectrogram
from stages.frontends.waveform import Waveform
from stages.schema.part import Part

FRONTENDS = classes_of(Frontend)
SAMPLE_RATES = (8000, 16000, 22050, 44100)


@pytest.fixture(params=SAMPLE_RATES)
def sample_rate(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=FRONTENDS, ids=lambda cls: cls.__name__)
def frontend(request: pytest.FixtureRequest, sample_rate: int) -> Frontend:
    built: Frontend = request.param(sample_rate=sample_rate)
    return built.eval()


def noise(lengths: Tensor) -> Tensor:
    """Waveforms (B, N) of these lengths, 0 beyond."""
    waveforms = 0.1 * torch.randn(
        len(lengths), int(lengths.max()), generator=torch.Generator().manual_seed(0)
    )
    for row, length in enumerate(lengths):
        waveforms[row, length:] = 0.0
    return waveforms


def some_lengths(sample_rate: int) -> Tensor:
    """Lengths from one sample to a second, at and next to the borders of frames."""
    return torch.tensor(
        [1, 2, 99, sample_rate // 100 - 1, sample_rate // 100, sample_rate // 4 + 1, sample_rate]
    )


def test_the_frontends_are_found() -> None:
    assert {LogMel, MFCC, Spectrogram, Waveform} <= set(FRONTENDS)


def test_the_output_has_the_announced_frames_and_features(frontend: Frontend, sample_rate: int) -> None:
    lengths = some_lengths(sample_rate)
    features, counts = frontend(noise(lengths), lengths)
    assert counts.equal(frontend.num_frames(lengths))
    assert features.shape == (len(lengths), int(counts.max()), frontend.feature_size)
    assert features.dtype == torch.float32


def test_a_second_holds_as_many_frames_as_the_frame_shift_says(frontend: Frontend, sample_rate: int) -> None:
    frames = int(frontend.num_frames(torch.tensor([sample_rate])))
    assert frames - 1 <= 1 / frontend.frame_shift_seconds <= frames


def test_a_padded_utterance_gives_the_same_frames_as_one_alone(frontend: Frontend, sample_rate: int) -> None:
    lengths = some_lengths(sample_rate)
    waveforms = noise(lengths)
    features, counts = frontend(waveforms, lengths)
    for row, (length, count) in enumerate(zip(lengths, counts, strict=True)):
        alone, _ = frontend(waveforms[row : row + 1, :length], length[None])
        torch.testing.assert_close(features[row, :count], alone[0], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("padding", PADDINGS)
def test_padding_changes_nothing(frontend: Frontend, sample_rate: int, padding: str) -> None:
    lengths = some_lengths(sample_rate)
    features, counts = frontend(noise(lengths), lengths)
    longer, _ = frontend(padded(noise(lengths), lengths, padding, num_more=300), lengths)
    for found, plain, count in zip(longer, features, counts, strict=True):
        torch.testing.assert_close(found[:count], plain[:count], atol=1e-3, rtol=1e-3)


def test_frames_beyond_the_count_are_0(frontend: Frontend, sample_rate: int) -> None:
    lengths = some_lengths(sample_rate)
    features, counts = frontend(padded(noise(lengths), lengths, "1000"), lengths)
    assert not any(features[row, count:].any() for row, count in enumerate(counts))


def test_digital_silence_gives_finite_features(frontend: Frontend, sample_rate: int) -> None:
    lengths = some_lengths(sample_rate)
    features, _ = frontend(torch.zeros(len(lengths), sample_rate), lengths)
    assert features.isfinite().all()


def test_the_same_waveform_gives_the_same_features(frontend: Frontend, sample_rate: int) -> None:
    lengths = some_lengths(sample_rate)
    assert frontend(noise(lengths), lengths)[0].equal(frontend(noise(lengths), lengths)[0])


def test_a_waveform_stays_as_it_is() -> None:
    waveforms = torch.tensor([[0.5, -1.0, 0.25]])
    features, counts = Waveform()(waveforms, torch.tensor([3]))
    assert features.tolist() == [[[0.5], [-1.0], [0.25]]]
    assert counts.tolist() == [3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frame_shift_seconds": 1e-6}, "need at least one sample at 8000 Hz"),
        ({"window_seconds": 1e-6}, "need at least one sample at 8000 Hz"),
        ({"max_hz": 4001.0}, "expected min_hz < max_hz <= 4000, half of the sample rate; found 20 and 4001"),
        ({"min_hz": 300.0, "max_hz": 200.0}, "found 300 and 200"),
    ],
)
def test_log_mel_refuses_what_the_sample_rate_cannot_give(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogMel(sample_rate=8000, **arguments)  # type: ignore[arg-type]


def test_log_mel_frames_are_centred_every_shift() -> None:
    frontend = LogMel(sample_rate=16000, frame_shift_seconds=0.010)
    assert frontend.num_frames(torch.tensor([1, 159, 160, 16000])).tolist() == [1, 1, 2, 101]
    assert frontend.frame_shift_seconds == 0.010


def test_the_frame_shift_is_that_of_whole_samples() -> None:
    assert LogMel(sample_rate=11025, frame_shift_seconds=0.010).frame_shift_seconds == 110 / 11025


def log_mel_by_hand(samples: np.ndarray, sample_rate: int, num_mels: int, min_hz: float) -> np.ndarray:
    """ln(power in triangular HTK mel bands + 1e-6) every 10 ms, Hann windows of 25 ms: (T, F)."""
    shift, window, fft = sample_rate // 100, sample_rate // 40, 512
    padded = np.pad(samples, fft // 2)
    hann = np.pad(np.hanning(window + 1)[:-1], (fft - window) // 2)
    frames = [padded[start : start + fft] * hann for start in range(0, len(samples) + 1, shift)]
    power = np.abs(np.fft.rfft(frames)) ** 2
    mels = np.linspace(
        2595 * np.log10(1 + min_hz / 700), 2595 * np.log10(1 + sample_rate / 2 / 700), num_mels + 2
    )
    edges = 700 * (10 ** (mels / 2595) - 1)
    hertz = np.fft.rfftfreq(fft, 1 / sample_rate)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bands = np.maximum(0, np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)))
    logarithms: np.ndarray = np.log(power @ bands.T + 1e-6)
    return logarithms


def test_log_mel_is_the_logarithm_of_the_power_in_mel_bands() -> None:
    waveforms = noise(torch.tensor([4000]))
    features, _ = LogMel(num_mels=40, min_hz=20.0, normalize=False)(waveforms, torch.tensor([4000]))
    expected = log_mel_by_hand(waveforms[0].double().numpy(), 16000, num_mels=40, min_hz=20.0)
    np.testing.assert_allclose(features[0].numpy(), expected, atol=2e-3)


def test_log_mel_is_normalised_over_the_frames_of_its_utterance() -> None:
    lengths = torch.tensor([16000, 8000])
    features, counts = LogMel()(noise(lengths), lengths)
    for row, count in enumerate(counts):
        own = features[row, :count]
        torch.testing.assert_close(own.mean(0), torch.zeros(80), atol=1e-3, rtol=0)
        torch.testing.assert_close(own.var(0, correction=0), torch.ones(80), atol=1e-3, rtol=0)


def test_normalised_log_mel_does_not_hear_the_loudness() -> None:
    lengths = torch.tensor([16000])
    loud, quiet = (LogMel()(gain * noise(lengths), lengths)[0] for gain in (1.0, 0.5))
    torch.testing.assert_close(loud, quiet, atol=0.02, rtol=0)


def test_silence_is_the_floor_of_log_mel() -> None:
    features, _ = LogMel(normalize=False)(torch.zeros(1, 1600), torch.tensor([1600]))
    torch.testing.assert_close(features, torch.full_like(features, np.log(1e-6)))


def test_the_floor_of_log_mel_can_be_lower_and_its_transform_longer() -> None:
    waveforms, lengths = torch.zeros(1, 1600), torch.tensor([1600])
    features, _ = LogMel(normalize=False, floor=1e-14, fft_size=512, sample_rate=8000)(waveforms, lengths)
    torch.testing.assert_close(features, torch.full_like(features, np.log(1e-14)))
    with pytest.raises(ValueError, match="LogMel: fft_size 100 is shorter than the window, 200 samples"):
        LogMel(fft_size=100, sample_rate=8000)


def test_mfcc_are_the_cosine_transform_of_log_mel() -> None:
    waveforms, lengths = noise(torch.tensor([4000])), torch.tensor([4000])
    found, _ = MFCC(num_coefficients=13, num_mels=40, normalize=False)(waveforms, lengths)
    bands = log_mel_by_hand(waveforms[0].double().numpy(), 16000, num_mels=40, min_hz=20.0)
    angles = np.pi * np.outer(np.arange(40) + 0.5, np.arange(13)) / 40
    scale = np.where(np.arange(13) == 0, np.sqrt(1 / 40), np.sqrt(2 / 40))
    np.testing.assert_allclose(found[0].numpy(), bands @ np.cos(angles) * scale, atol=1e-2)


def test_there_are_no_more_coefficients_than_bands() -> None:
    arguments = {"num_coefficients": 41}
    with pytest.raises(ValueError, match="num_coefficients 41 is more than num_mels 40"):
        Part(class_path="stages.frontends.mfcc.MFCC", init_args=arguments).build()


def test_a_spectrogram_is_the_logarithm_of_one_and_the_magnitude() -> None:
    waveforms, lengths = noise(torch.tensor([4000])), torch.tensor([4000])
    found, _ = Spectrogram(normalize=False)(waveforms, lengths)
    padded = np.pad(waveforms[0].double().numpy(), 160)
    hamming = np.hamming(321)[:-1]
    frames = [padded[start : start + 320] * hamming for start in range(0, 4001, 160)]
    np.testing.assert_allclose(found[0].numpy(), np.log1p(np.abs(np.fft.rfft(frames))), atol=1e-4)


def test_a_spectrogram_has_161_bins_at_16_kilohertz_in_which_a_tone_is_heard() -> None:
    time = torch.arange(16000) / 16000
    tone = torch.sin(2 * torch.pi * 1000.0 * time)[None]
    for window in ("hamming", "hann"):
        features, _ = Spectrogram(window=window, normalize=False)(tone, torch.tensor([16000]))  # type: ignore[arg-type]
        assert features.shape == (1, 101, 161)
        assert set(features[0].argmax(-1).tolist()) == {20}  # 50 Hz per bin
