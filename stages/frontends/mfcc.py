"""Mel-frequency cepstral coefficients (Davis and Mermelstein 1980), normalised per utterance.

B batch, N samples, T frames, M mel bands, F coefficients.
"""

from torch import Tensor

from stages.compat.torchaudio_extension import create_dct
from stages.frontends.frontend import finished
from stages.frontends.mel_bands import MelBands
from stages.padding.mask import without_padding
from stages.schema.quantities import NonNegativeFloat, PositiveFloat, PositiveInt


class MFCC(MelBands):
    """The orthonormal discrete cosine transform (type 2) of log-mel bands: its first coefficients."""

    def __init__(
        self,
        num_coefficients: PositiveInt = 13,
        num_mels: PositiveInt = 40,
        window_seconds: PositiveFloat = 0.025,
        frame_shift_seconds: PositiveFloat = 0.010,
        min_hz: NonNegativeFloat = 20.0,
        max_hz: PositiveFloat | None = None,
        normalize: bool = True,
        sample_rate: PositiveInt = 16000,
    ) -> None:
        super().__init__(
            num_mels, window_seconds, frame_shift_seconds, min_hz, max_hz, normalize, sample_rate=sample_rate
        )
        self.cosines: Tensor  # (M, F)
        dct = create_dct(num_coefficients, num_mels, norm="ortho")
        self.register_buffer("cosines", dct, persistent=False)
        self.feature_size = num_coefficients

    @staticmethod
    def check_arguments(num_coefficients: int = 13, num_mels: int = 40, **_: object) -> None:
        if num_coefficients > num_mels:
            raise ValueError(f"num_coefficients {num_coefficients} is more than num_mels {num_mels}")

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        counts = self.num_frames(lengths)
        coefficients = self.log_mel(without_padding(waveforms, lengths)) @ self.cosines
        return finished(coefficients, counts, self.normalize), counts
