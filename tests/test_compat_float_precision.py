"""Quiet features in ONNX: the floor in silence, and frequencies next to a loud one.

B batch, N samples, T frames, F features.
"""

import math
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from stages.compat.onnxruntime_stft import precise_stft
from stages.formats.onnx_graph import export_graph
from stages.frontends.log_mel import LogMel

SAMPLE_RATE = 8000


def frontend() -> LogMel:
    """The frontend of recipe lstm_ctc: a floor below 1e-8, and a size that is not a power of two."""
    log_mel = LogMel(
        num_mels=81, window_seconds=0.020, min_hz=0.0, normalize=False, floor=1e-14, fft_size=400,
        sample_rate=SAMPLE_RATE,
    )  # fmt: skip
    log_mel.sample_rate = SAMPLE_RATE  # the exporter needs it
    return log_mel


def features_in_onnx(waveforms: Tensor, folder: Path) -> np.ndarray:
    """(B, N) to (B, T, F)."""
    export_graph(frontend(), folder / "model.onnx")
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    lengths = np.full(len(waveforms), waveforms.shape[1])
    features, _ = session.run(None, {"waveforms": waveforms.numpy(), "lengths": lengths})
    return features


def test_silence_has_the_floor_however_low_it_is(tmp_path: Path) -> None:
    found = features_in_onnx(torch.zeros(1, 4000), tmp_path)
    np.testing.assert_allclose(found, np.full((1, 51, 81), math.log(1e-14)), rtol=1e-6)


def test_quiet_frequencies_beside_a_loud_one_are_as_in_torch(tmp_path: Path) -> None:
    seconds = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    noise = torch.randn(1, SAMPLE_RATE, generator=torch.Generator().manual_seed(0))
    waveforms = 0.5 * torch.sin(2 * math.pi * 1000 * seconds) + 5e-4 * noise  # 60 dB below
    expected, _ = frontend()(waveforms, torch.tensor([SAMPLE_RATE]))
    np.testing.assert_allclose(features_in_onnx(waveforms, tmp_path), expected, atol=1e-2)


def test_outside_of_tracing_torch_computes_as_ever() -> None:
    before = torch.stft
    with precise_stft():
        assert torch.stft is not before
    assert torch.stft is before
