"""Recurrent layers for padded batches: a building block of encoders.

B batch, T frames, D width, H hidden size per direction.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Kind = Literal["gru", "lstm"]
ONNX_OPSET = 14  # the last that changed its GRU


class Recurrent(nn.Module):
    """A bidirectional GRU or LSTM layer: (B, T, D) and counts (B,) to (B, T, 2H).

    The backward direction starts at each utterance's own last frame, so padding affects no frame within its
    count. Rows are reversed rather than packed: that can be exported to ONNX, and batches of similar lengths
    have little padding to skip.
    """

    def __init__(self, kind: Kind, input_size: int, hidden_size: int) -> None:
        super().__init__()
        layer = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        self.onward = layer(input_size, hidden_size, batch_first=True)
        self.back = layer(input_size, hidden_size, batch_first=True)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        back = turned(_outputs(self.back, turned(hidden, lengths)), lengths)
        return torch.cat([_outputs(self.onward, hidden), back], dim=-1)


def turned(hidden: Tensor, lengths: Tensor) -> Tensor:
    """Reverse every utterance's own frames (B, T, D); padding stays in place."""
    positions = torch.arange(hidden.shape[1], device=hidden.device)[None, :]
    mirrored = lengths[:, None] - 1 - positions
    sources = torch.where(mirrored >= 0, mirrored, positions)  # (B, T)
    return hidden.gather(1, sources.unsqueeze(-1).expand(-1, -1, hidden.shape[2]))


def _outputs(layer: nn.GRU | nn.LSTM, hidden: Tensor) -> Tensor:
    """The layer's output at every frame: (B, T, H)."""
    if isinstance(layer, nn.GRU) and torch.onnx.is_in_onnx_export():
        return _onnx_gru(layer, hidden)
    outputs: Tensor = layer(hidden)[0]
    return outputs


def _onnx_gru(layer: nn.GRU, hidden: Tensor) -> Tensor:
    """The GRU as ONNX's own operator: torch 2.13 cannot trace a GRU with a dynamic number of frames."""
    gates = (weight.chunk(3) for weight in layer.parameters())  # reset, update, new; in ONNX update is first
    inner, outer, *biases = [torch.cat([update, reset, new]) for reset, update, new in gates]
    outputs = torch.onnx.ops.symbolic(
        "GRU",
        [hidden.transpose(0, 1), inner[None], outer[None], torch.cat(biases)[None]],
        {"hidden_size": layer.hidden_size, "linear_before_reset": 1},
        dtype=hidden.dtype,
        shape=(hidden.shape[1], 1, hidden.shape[0], layer.hidden_size),
        version=ONNX_OPSET,
    )
    return outputs.squeeze(1).transpose(0, 1)
