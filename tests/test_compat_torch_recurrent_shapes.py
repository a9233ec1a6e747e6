"""Recurrent layers in ONNX give the results of PyTorch at lengths that were not traced.

B batch, T frames, F features.
"""

from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from stages.compat.torch_recurrent_shapes import recurrent_shapes


class Halved(nn.Module):
    """Every second frame of features (B, T, F), then two bidirectional recurrent layers."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.layers = kind(3, 4, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, features: Tensor) -> Tensor:
        outputs: Tensor = self.layers(features[:, ::2])[0]
        return outputs


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU], ids=["LSTM", "GRU"])
def test_recurrent_layers_run_at_every_length(kind: type[nn.RNNBase], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Halved(kind).eval()
    shapes = ({0: "batch", 1: "frames"},)
    with recurrent_shapes():
        program = torch.onnx.export(
            model,
            (torch.randn(2, 24, 3),),
            dynamo=True,
            verbose=False,
            dynamic_shapes=shapes,
            opset_version=18,
        )
    assert program is not None
    program.save(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for batch_size, num_frames in ((1, 1), (3, 7), (2, 60)):
        features = torch.randn(batch_size, num_frames, 3)
        (found,) = session.run(None, {session.get_inputs()[0].name: features.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), model(features).detach(), atol=1e-5, rtol=1e-5)


def test_outside_of_tracing_they_compute_as_ever() -> None:
    layers = nn.LSTM(3, 4)
    features = torch.randn(5, 1, 3)
    before = layers(features)[0]
    with recurrent_shapes():
        pass
    assert layers(features)[0].equal(before)
