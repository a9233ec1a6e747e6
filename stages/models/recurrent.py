"""Recurrent layers over padded batches: a block that encoders are made of.

B batch, T frames, D width, H hidden size of a direction.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Kind = Literal["gru", "lstm"]


class Recurrent(nn.Module):
    """One layer of GRU or LSTM in both directions: (B, T, D) and counts (B,) to (B, T, 2H).

    The way back starts at each utterance's own last frame, so padding reaches no frame within its count.
    The rows are turned round rather than packed: that exports to ONNX, and batches of similar lengths
    have little padding to skip.
    """

    def __init__(self, kind: Kind, input_size: int, hidden_size: int) -> None:
        super().__init__()
        layer = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        self.onward = layer(input_size, hidden_size, batch_first=True)
        self.back = layer(input_size, hidden_size, batch_first=True)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        onward, _ = self.onward(hidden)
        back, _ = self.back(turned(hidden, lengths))
        return torch.cat([onward, turned(back, lengths)], dim=-1)


def turned(hidden: Tensor, lengths: Tensor) -> Tensor:
    """Every utterance's own frames in reverse; what is beyond them stays where it is. (B, T, D)."""
    positions = torch.arange(hidden.shape[1], device=hidden.device)[None, :]
    mirrored = lengths[:, None] - 1 - positions
    sources = torch.where(mirrored >= 0, mirrored, positions)  # (B, T)
    return hidden.gather(1, sources.unsqueeze(-1).expand(-1, -1, hidden.shape[2]))
