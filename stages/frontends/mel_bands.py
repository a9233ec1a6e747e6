"""The base of frontends on mel bands.

B batch, N samples, T frames, M mel bands.
"""

import torch
from torch import Tensor

from stages.compat.torchaudio_extension import MelSpectrogram
from stages.frontends.frontend import Frontend, frame_samples
from stages.schema.quantities import NonNegativeFloat, PositiveFloat, PositiveInt


class MelBands(Frontend):
    """Power mel spectrogram (HTK scale), natural logarithm.

    Frames are centred every ``frame_shift_seconds``, T = N // shift + 1; the signal is padded with
    zeros at both ends, so that the padding of a batch makes no difference. Powers below ``floor`` are silence
    (1e-6 is -120 dB of full scale); ``fft_size`` in samples is by default the next power of two after the
    window. With ``normalize`` every feature has mean 0 and variance 1 over its utterance (CMVN).
    """

    def __init__(
        self,
        num_mels: PositiveInt = 80,
        window_seconds: PositiveFloat = 0.025,
        frame_shift_seconds: PositiveFloat = 0.010,
        min_hz: NonNegativeFloat = 20.0,
        max_hz: PositiveFloat | None = None,
        normalize: bool = True,
        floor: PositiveFloat = 1e-6,
        fft_size: PositiveInt | None = None,
        sample_rate: PositiveInt = 16000,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        window, self.shift = frame_samples(name, window_seconds, frame_shift_seconds, sample_rate)
        highest_hz = sample_rate / 2 if max_hz is None else max_hz
        if not min_hz < highest_hz <= sample_rate / 2:
            raise ValueError(
                f"{name}: expected min_hz < max_hz <= {sample_rate / 2:g}, half of the sample rate;"
                f" found {min_hz:g} and {highest_hz:g}"
            )
        if fft_size is not None and fft_size < window:
            raise ValueError(f"{name}: fft_size {fft_size} is shorter than the window, {window} samples")
        self.mel = MelSpectrogram(
            sample_rate=sample_rate,
            n_fft=fft_size or 1 << (window - 1).bit_length(),
            win_length=window,
            hop_length=self.shift,
            f_min=min_hz,
            f_max=max_hz,
            n_mels=num_mels,
            center=True,
            pad_mode="constant",
        )
        self.normalize = normalize
        self.floor = floor
        self.feature_size = num_mels
        self.frame_shift_seconds = self.shift / sample_rate

    def log_mel(self, waveforms: Tensor) -> Tensor:
        """(B, N), with zeros as padding, to (B, T, M)."""
        return torch.log(self.mel(waveforms) + self.floor).transpose(1, 2)

    def num_frames(self, lengths: Tensor) -> Tensor:
        return lengths // self.shift + 1
