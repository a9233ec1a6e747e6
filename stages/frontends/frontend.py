"""What a frontend answers.

B batch, N samples, T frames, F features.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn


class Frontend(nn.Module, ABC):
    """Waveforms to features; runs in the features stage, on the training device and inside ONNX.

    ``forward`` takes waveforms (B, N) in [-1, 1] and their lengths (B,), in samples at the sample
    rate of construction, and returns features (B, T, F) and frame counts (B,). Padding changes
    nothing: a padded utterance gives the same frames as one alone, and frames beyond the count are 0.
    """

    domain: ClassVar[Literal["features", "waveform"]] = "features"
    feature_size: int
    frame_shift_seconds: float

    @abstractmethod
    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]: ...

    def num_frames(self, lengths: Tensor) -> Tensor:
        """Frame counts of waveforms of these lengths: (B,) to (B,)."""
        return lengths


def frame_mask(lengths: Tensor, num_frames: int) -> Tensor:
    """True where a frame belongs to its utterance: (B,) to (B, T)."""
    return torch.arange(num_frames, device=lengths.device)[None, :] < lengths[:, None]
