"""The constant-Q transform against its definition.

B batch, N samples, T frames, F bins.
"""

import numpy as np
import pytest
import torch

from stages.frontends.cqt import CQT

SAMPLE_RATE = 44100
HOP = 512


def tone(hertz: float, seconds: float = 1.0, amplitude: float = 0.5) -> torch.Tensor:
    """A sine (1, N)."""
    time = torch.arange(round(seconds * SAMPLE_RATE), dtype=torch.float64) / SAMPLE_RATE
    return (amplitude * torch.sin(2 * torch.pi * hertz * time)).float()[None]


def spectrum(frontend: CQT, waveform: torch.Tensor) -> np.ndarray:
    """Features (T, F) of one waveform."""
    features, _ = frontend(waveform, torch.tensor([waveform.shape[1]]))
    found: np.ndarray = features[0].numpy()
    return found


def by_definition(waveform: np.ndarray, frame: int, filter_scale: float) -> np.ndarray:
    """|sum of samples * window * exp(-2 pi i f t)| around a frame, a sine of amplitude 1 giving 1: (F,)."""
    hertz = 65.41 * 2 ** (np.arange(72) / 12)
    time = (np.arange(len(waveform)) - frame * HOP) / SAMPLE_RATE
    found = []
    for frequency in hertz:
        width = filter_scale / (2 ** (1 / 12) - 1) / frequency
        window = np.where(np.abs(time) < width / 2, 0.5 + 0.5 * np.cos(2 * np.pi * time / width), 0)
        whole = np.arange(-width / 2, width / 2, 1 / SAMPLE_RATE)
        total = (0.5 + 0.5 * np.cos(2 * np.pi * whole / width)).sum()
        found.append(2 * abs((waveform * window * np.exp(-2j * np.pi * frequency * time)).sum()) / total)
    return np.array(found)


@pytest.mark.parametrize("filter_scale", [1.0, 2.0])
def test_the_amplitudes_are_those_of_the_definition(filter_scale: float) -> None:
    waveform = sum(tone(hertz, seconds=0.5) for hertz in (70.0, 220.0, 261.6, 1000.0, 3900.0))
    waveform += 0.05 * torch.randn(waveform.shape, generator=torch.Generator().manual_seed(0))
    found = spectrum(CQT(filter_scale=filter_scale), waveform)
    frames = (0, 5, 21, 43)  # at the edges and within
    expected = [20 * np.log10(by_definition(waveform[0].double().numpy(), f, filter_scale)) for f in frames]
    decibels = 80 * found[list(frames)] - np.array(expected)  # a constant: the level of the loudest bin
    heard = found[list(frames)] > 0.4
    assert np.abs(decibels - np.median(decibels))[heard].max() < 0.5


@pytest.mark.parametrize("bin_", [0, 12, 37, 71])
def test_a_note_is_loudest_in_its_bin(bin_: int) -> None:
    found = spectrum(CQT(), tone(65.41 * 2 ** (bin_ / 12)))
    assert (found[20:60].argmax(1) == bin_).all()
    assert found.max() == 1.0


def test_an_octave_is_twelve_bins() -> None:
    low, high = (spectrum(CQT(), tone(hertz))[43] for hertz in (220.0, 440.0))
    np.testing.assert_allclose(low[9:33], high[21:45], atol=0.02)


def test_half_the_amplitude_of_one_of_two_notes_is_six_decibels_less() -> None:
    frontend = CQT(range_db=80.0)
    found = spectrum(frontend, tone(130.82, amplitude=0.5) + tone(1046.56, amplitude=0.25))[43]
    assert 80 * (found[12] - found[48]) == pytest.approx(20 * np.log10(2), abs=0.1)


def test_loudness_does_not_matter() -> None:
    np.testing.assert_allclose(
        spectrum(CQT(), tone(220.0, amplitude=0.9)), spectrum(CQT(), tone(220.0, amplitude=0.09)), atol=1e-3
    )


def test_what_is_further_below_the_loudest_than_the_range_is_0() -> None:
    found = spectrum(CQT(range_db=40.0), tone(220.0))[43]
    assert found[60:].max() == 0.0


def test_a_longer_window_separates_neighbours_better() -> None:
    waveform = tone(65.41 * 2 ** (30 / 12))
    short, long = (spectrum(CQT(filter_scale=scale), waveform)[43, 31] for scale in (1.0, 2.0))
    assert 80 * (1 - short) < 10
    assert 80 * (1 - long) > 25


def test_digital_silence_is_0_everywhere() -> None:
    assert not spectrum(CQT(), torch.zeros(1, SAMPLE_RATE)).any()


def test_bins_above_half_the_sample_rate_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the highest bin, 4186 Hz, must be below 4000, half of the"):
        CQT(num_bins=73, sample_rate=8000)


def test_frames_are_centred_every_hop() -> None:
    assert CQT().num_frames(torch.tensor([1, 511, 512, 44100])).tolist() == [1, 1, 2, 87]
    assert CQT().frame_shift_seconds == 512 / 44100
