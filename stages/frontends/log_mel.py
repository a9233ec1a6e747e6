"""Log-mel spectrograms, normalised per utterance.

B batch, N samples, T frames, F mel bands.
"""

import torch
from torch import Tensor

from stages.frontends.frontend import Frontend, frame_mask
from stages.frontends.torchaudio_import import MelSpectrogram
from stages.schema.quantities import NonNegativeFloat, PositiveFloat, PositiveInt

FLOOR = 1e-6  # power below which is silence: -120 dB of full scale


class LogMel(Frontend):
    """Power mel spectrogram (HTK scale), natural logarithm, mean 0 and variance 1 per band (CMVN).

    Frames are centred every ``frame_shift_seconds``, T = N // shift + 1; the signal is padded with
    zeros at both ends, so that a batch's padding is what the end of an utterance sees anyway.
    """

    def __init__(
        self,
        num_mels: PositiveInt = 80,
        window_seconds: PositiveFloat = 0.025,
        frame_shift_seconds: PositiveFloat = 0.010,
        min_hz: NonNegativeFloat = 20.0,
        max_hz: PositiveFloat | None = None,
        normalize: bool = True,
        sample_rate: PositiveInt = 16000,
    ) -> None:
        super().__init__()
        self.shift = round(frame_shift_seconds * sample_rate)
        window = round(window_seconds * sample_rate)
        highest_hz = sample_rate / 2 if max_hz is None else max_hz
        if not self.shift or not window:
            raise ValueError(f"LogMel: window and frame shift need a sample at least, at {sample_rate} Hz")
        if not min_hz < highest_hz <= sample_rate / 2:
            raise ValueError(
                f"LogMel: expected min_hz < max_hz <= {sample_rate / 2:g}, half of the sample rate;"
                f" found {min_hz:g} and {highest_hz:g}"
            )
        self.mel = MelSpectrogram(
            sample_rate=sample_rate,
            n_fft=1 << (window - 1).bit_length(),
            win_length=window,
            hop_length=self.shift,
            f_min=min_hz,
            f_max=max_hz,
            n_mels=num_mels,
            center=True,
            pad_mode="constant",
        )
        self.normalize = normalize
        self.feature_size = num_mels
        self.frame_shift_seconds = self.shift / sample_rate

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        features = torch.log(self.mel(waveforms) + FLOOR).transpose(1, 2)  # (B, T, F)
        counts = self.num_frames(lengths)
        mask = frame_mask(counts, features.shape[1]).unsqueeze(-1)
        if self.normalize:
            total = counts[:, None, None]
            mean = (features * mask).sum(1, keepdim=True) / total
            variance = ((features - mean).square() * mask).sum(1, keepdim=True) / total
            features = (features - mean) * torch.rsqrt(variance + 1e-5)
        return features * mask, counts

    def num_frames(self, lengths: Tensor) -> Tensor:
        return lengths // self.shift + 1
