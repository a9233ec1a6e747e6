"""Recurrent layers stay whole while a model is traced for ONNX.

ONNX has LSTM and GRU, and the exporter keeps them. But without oneDNN's, torch finds the shapes of what they
give by unrolling them for the number of frames of the traced example: slow, wrong for other lengths, and
with more than one layer an error (seen with torch 2.11 to 2.13). Here their shapes follow from their inputs.

B batch, T frames, H hidden size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from torch import Tensor

DECOMPOSITIONS = "torch._decomp.decompositions"


@contextmanager
def recurrent_shapes() -> Iterator[None]:
    """While it lasts, nothing recurrent is computed: only for tracing."""
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
