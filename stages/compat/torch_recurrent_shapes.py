"""ONNX has LSTM and GRU operators, and PyTorch's exporter uses them. But without oneDNN, PyTorch computes
their output shapes by unrolling them over the frames of the traced example: this is slow, wrong for other
lengths, and fails with more than one layer.

B batch, T frames, H hidden size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from torch import Tensor

SEEN_WITH = {"torch": ("2.11", "2.12", "2.13")}
DECOMPOSITIONS = "torch._decomp.decompositions"


@contextmanager
def recurrent_shapes() -> Iterator[None]:
    """Recurrent layers in this context only return outputs of the right shape: for tracing."""
    with (
        patch(f"{DECOMPOSITIONS}.select_one_layer_lstm_function", lambda *_: _lstm_layer),
        patch(f"{DECOMPOSITIONS}.one_layer_rnn", _gru_layer),
    ):
        yield


def _lstm_layer(
    frames: Tensor, hidden: tuple[Tensor, Tensor], *_: Any, **__: Any
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    state, cell = hidden
    return _outputs(frames, state), (state.clone(), cell.clone())


def _gru_layer(frames: Tensor, state: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
    return _outputs(frames, state), state.clone()


def _outputs(frames: Tensor, state: Tensor) -> Tensor:
    """(T, B, ...) and (B, H) to (T, B, H)."""
    return frames.new_empty((frames.shape[0], *state.shape))
