"""The raw waveform, for models that learn their own features and for frontends on the device."""

from typing import ClassVar, Literal

from torch import Tensor

from stages.frontends.frontend import Frontend
from stages.padding.mask import without_padding
from stages.schema.quantities import PositiveInt


class Waveform(Frontend):
    """Samples as they are: a frame is one sample, F = 1. Cached as 16-bit integers."""

    domain: ClassVar[Literal["features", "waveform"]] = "waveform"

    def __init__(self, sample_rate: PositiveInt = 16000) -> None:
        super().__init__()
        self.feature_size = 1
        self.frame_shift_seconds = 1 / sample_rate

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return without_padding(waveforms, lengths).unsqueeze(-1), lengths
