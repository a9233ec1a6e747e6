"""torchaudio with a build of PyTorch without CUDA."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from stages.compat.torchaudio_extension import prepare_torchaudio

EXTENSION = "torchaudio._extension"


def test_torchaudio_can_be_imported_beside_this_torch() -> None:
    script = (
        "import torch, stages.compat.torchaudio_extension; from torchaudio.transforms import MelSpectrogram;"
        "print(MelSpectrogram(n_mels=7, n_fft=400)(torch.zeros(1, 400)).shape)"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert "torch.Size([1, 7, 3])" in done.stdout, done.stderr


def test_without_cuda_torchaudios_extension_says_that_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.delitem(sys.modules, EXTENSION)
    prepare_torchaudio()
    assert sys.modules[EXTENSION]._IS_TORCHAUDIO_EXT_AVAILABLE is False  # type: ignore[attr-defined]


def test_with_cuda_torchaudios_extension_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.delitem(sys.modules, EXTENSION)
    prepare_torchaudio()
    assert EXTENSION not in sys.modules


def test_an_extension_that_is_already_there_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    before = sys.modules[EXTENSION]
    prepare_torchaudio()
    assert sys.modules[EXTENSION] is before
