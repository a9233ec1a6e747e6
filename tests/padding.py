"""What may lie beyond an utterance's end: none of it may reach what comes of the utterance.

B batch, T frames or samples.
"""

import torch
from torch import Tensor

PADDINGS = ("zeros", "1000", "-1000", "noise")
CONSTANT = {"zeros": 0.0, "1000": 1000.0, "-1000": -1000.0}


def padded(values: Tensor, lengths: Tensor, padding: str, num_more: int = 0) -> Tensor:
    """Values (B, T, ...), longer by ``num_more``, with that padding in all beyond the lengths (B,)."""
    shape = (values.shape[0], values.shape[1] + num_more, *values.shape[2:])
    if padding in CONSTANT:
        longer = torch.full(shape, CONSTANT[padding])
    else:
        longer = 3 * torch.randn(shape, generator=torch.Generator().manual_seed(9))
    for row, own, length in zip(longer, values, lengths.tolist(), strict=True):
        row[:length] = own[:length]
    return longer
