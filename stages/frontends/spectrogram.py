"""Magnitude spectrograms, as of Deep Speech 2 (Amodei et al. 2015, https://arxiv.org/abs/1512.02595).

B batch, N samples, T frames, F frequency bins.
"""

from typing import Literal

import torch
from torch import Tensor

from stages.frontends import torchaudio_import
from stages.frontends.frontend import Frontend, finished, frame_samples
from stages.schema.quantities import PositiveFloat, PositiveInt

WINDOWS = {"hamming": torch.hamming_window, "hann": torch.hann_window}


class Spectrogram(Frontend):
    """log(1 + magnitude) of the Fourier transform of each window: 161 bins from 0 to 8 kHz at 16 kHz.

    Frames are centred every ``frame_shift_seconds``, T = N // shift + 1, between zeros at both ends. A bin is
    one over the window wide. With ``normalize`` every bin has mean 0 and variance 1 over its utterance.
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
        self.magnitude = torchaudio_import.Spectrogram(
            n_fft=size, hop_length=self.shift, window_fn=WINDOWS[window], power=1.0, pad_mode="constant"
        )
        self.normalize = normalize
        self.feature_size = size // 2 + 1
        self.frame_shift_seconds = self.shift / sample_rate

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        counts = self.num_frames(lengths)
        features = torch.log1p(self.magnitude(waveforms)).transpose(1, 2)  # (B, T, F)
        return finished(features, counts, self.normalize), counts

    def num_frames(self, lengths: Tensor) -> Tensor:
        return lengths // self.shift + 1
