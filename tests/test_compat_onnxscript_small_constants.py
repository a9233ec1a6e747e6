"""Additions of small constants in an exported model."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from stages.compat.onnxscript_small_constants import small_constants


class Floored(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return (values + 1e-12).log()


def exported(path: Path) -> np.ndarray:
    """The model's logarithm of 0."""
    torch.onnx.export(Floored().eval(), (torch.zeros(3),), path, dynamo=True, verbose=False)
    return np.asarray(onnxruntime.InferenceSession(path).run(None, {"values": np.zeros(3, np.float32)})[0])


def test_the_floor_under_a_logarithm_stays(tmp_path: Path) -> None:
    with small_constants():
        found = exported(tmp_path / "model.onnx")
    np.testing.assert_allclose(found, np.log(1e-12), rtol=1e-5)


def test_onnxscript_itself_drops_it(tmp_path: Path) -> None:
    assert np.isneginf(exported(tmp_path / "model.onnx")).all()
