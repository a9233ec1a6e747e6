"""Log-mel spectrograms, normalised per utterance.

B batch, N samples, T frames, F mel bands.
"""

from torch import Tensor

from stages.frontends.frontend import finished
from stages.frontends.mel_bands import MelBands
from stages.padding.mask import without_padding


class LogMel(MelBands):
    """The natural logarithm of the power in mel bands."""

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        counts = self.num_frames(lengths)
        return finished(self.log_mel(without_padding(waveforms, lengths)), counts, self.normalize), counts
