"""Where utterances end in a batch.

B batch, N samples, T frames, F features.
"""

import torch
from torch import Tensor


def frame_mask(lengths: Tensor, num_frames: int) -> Tensor:
    """True where a frame belongs to its utterance: (B,) to (B, T)."""
    return torch.arange(num_frames, device=lengths.device)[None, :] < lengths[:, None]


def without_padding(values: Tensor, lengths: Tensor) -> Tensor:
    """Samples (B, N) or frames (B, T, F) with 0 beyond the lengths (B,), whatever was there."""
    if _is_full(values, lengths):  # as all are in the features stage, where a copy would take a tenth
        return values
    beyond = ~frame_mask(lengths, values.shape[1])
    return values.masked_fill(beyond[(..., *[None] * (values.ndim - 2))], 0.0)


def _is_full(values: Tensor, lengths: Tensor) -> bool:
    """Whether there is no padding for sure; asked of no graph, and of no device that would have to wait."""
    if torch.compiler.is_compiling() or lengths.device.type != "cpu":
        return False
    return bool((lengths >= values.shape[1]).all())
