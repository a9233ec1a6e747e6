"""What a frontend answers.

B batch, N samples, T frames, F features.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from stages.padding.mask import frame_mask
from stages.padding.mask import without_padding as without_padding  # own frontends import both from here


class Frontend(nn.Module, ABC):
    """Waveforms to features; runs in the features stage, on the training device and inside ONNX.

    ``forward`` takes waveforms (B, N) in [-1, 1] and their lengths (B,), in samples at the sample
    rate of construction, and returns features (B, T, F) and frame counts (B,). Padding changes nothing,
    whatever it holds: a padded utterance gives the same frames as one alone, and frames beyond the count
    are 0.
    """

    domain: ClassVar[Literal["features", "waveform"]] = "features"
    feature_size: int
    frame_shift_seconds: float

    @abstractmethod
    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]: ...

    def num_frames(self, lengths: Tensor) -> Tensor:
        """Frame counts of waveforms of these lengths: (B,) to (B,)."""
        return lengths


def frame_samples(
    name: str, window_seconds: float, frame_shift_seconds: float, sample_rate: int
) -> tuple[int, int]:
    """Window and frame shift in whole samples; ValueError, with the frontend's ``name``, if one has none."""
    window, shift = round(window_seconds * sample_rate), round(frame_shift_seconds * sample_rate)
    if not shift or not window:
        raise ValueError(f"{name}: window and frame shift need a sample at least, at {sample_rate} Hz")
    return window, shift


def finished(features: Tensor, counts: Tensor, normalize: bool) -> Tensor:
    """Features (B, T, F), 0 beyond the counts; to ``normalize`` is mean 0, variance 1 over each utterance."""
    mask = frame_mask(counts, features.shape[1]).unsqueeze(-1)
    if normalize:
        total = counts[:, None, None]
        mean = (features * mask).sum(1, keepdim=True) / total
        variance = ((features - mean).square() * mask).sum(1, keepdim=True) / total
        features = (features - mean) * torch.rsqrt(variance + 1e-5)
    return features * mask
