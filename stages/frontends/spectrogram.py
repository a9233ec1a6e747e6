"""Magnitude spectrograms, as of Deep Speech 2 (Amodei et al. 2015, https://arxiv.org/abs/1512.02595).

B batch, N samples, T frames, F frequency bins.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from stages.frontends.frontend import Frontend, finished, frame_samples
from stages.padding.mask import without_padding
from stages.schema.quantities import PositiveFloat, PositiveInt

WINDOWS = {"hamming": torch.hamming_window, "hann": torch.hann_window}


class Spectrogram(Frontend):
    """log(1 + magnitude) of the Fourier transform of each window: 161 bins from 0 to 8 kHz at 16 kHz.

    Frames are centred every ``frame_shift_seconds``, T = N // shift + 1, between zeros at both ends. With
    ``normalize`` every bin has mean 0 and variance 1 over its utterance. The transform is a product with
    cosines and sines: windows are short, and over a Fourier transform whose length is no power of two, torch
    and ONNX runtimes differ by more.
    """

    def __init__(
        self,
        window_seconds: PositiveFloat = 0.020,
        frame_shift_seconds: PositiveFloat = 0.010,
        window: Literal["hamming", "hann"] = "hamming",
        normalize: bool = True,
        sample_rate: PositiveInt = 16000,
    ) -> None:
        super().__init__()
        size, self.shift = frame_samples("Spectrogram", window_seconds, frame_shift_seconds, sample_rate)
        self.padding = size // 2, (size + 1) // 2  # of an odd window too, T = N // shift + 1
        self.waves: Tensor  # (2F, 1, window), not saved: cosines, then sines
        self.register_buffer("waves", _waves(size, WINDOWS[window](size).double()), persistent=False)
        self.normalize = normalize
        self.feature_size = size // 2 + 1
        self.frame_shift_seconds = self.shift / sample_rate

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        counts = self.num_frames(lengths)
        padded = functional.pad(without_padding(waveforms, lengths).unsqueeze(1), self.padding)
        cosines, sines = functional.conv1d(padded, self.waves, stride=self.shift).chunk(2, dim=1)
        magnitude = (cosines.square() + sines.square()).sqrt()  # (B, F, T)
        return finished(torch.log1p(magnitude).transpose(1, 2), counts, self.normalize), counts

    def num_frames(self, lengths: Tensor) -> Tensor:
        return lengths // self.shift + 1


def _waves(size: int, window: Tensor) -> Tensor:
    """Windowed cosines and sines of every bin: (2F, 1, size)."""
    turns = torch.outer(torch.arange(size // 2 + 1), torch.arange(size)) % size  # exact, however long
    angles = 2 * torch.pi * turns.double() / size
    return (torch.cat([angles.cos(), angles.sin()]) * window).float().unsqueeze(1)
