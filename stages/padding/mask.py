"""Masks of padding in a batch.

B batch, N samples, T frames, F features.
"""

import torch
from torch import Tensor


def frame_mask(lengths: Tensor, num_frames: int) -> Tensor:
    """Return True for frames within their utterance: (B,) to (B, T)."""
    return torch.arange(num_frames, device=lengths.device)[None, :] < lengths[:, None]


def without_padding(values: Tensor, lengths: Tensor) -> Tensor:
    """Set samples (B, N) or frames (B, T, F) beyond the lengths (B,) to 0, also NaN."""
    if _is_full(values, lengths):  # always in the features stage, where a copy would take 10 % of the time
        return values
    beyond = ~frame_mask(lengths, values.shape[1])
    return values.masked_fill(beyond[(..., *[None] * (values.ndim - 2))], 0.0)


def _is_full(values: Tensor, lengths: Tensor) -> bool:
    """Whether there is certainly no padding; False in a graph, or where the check would block a device."""
    if torch.compiler.is_compiling() or lengths.device.type != "cpu":
        return False
    return bool((lengths >= values.shape[1]).all())
