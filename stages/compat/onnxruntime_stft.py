"""onnxruntime's float32 Fourier transform has an error of 5e-5 of the loudest frequency if its size is not a
power of two (size 400; PyTorch: 2e-7). This is large for quiet frequencies. float64 is exact, and as fast.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

SEEN_WITH = {"onnxruntime": ("1.31",)}


@contextmanager
def precise_stft() -> Iterator[None]:
    """An export in this context computes such transforms in float64."""
    stft = torch.stft

    def in_float64(input: Tensor, n_fft: int, *args: Any, **settings: Any) -> Tensor:
        if n_fft.bit_count() == 1:  # a power of two
            return stft(input, n_fft, *args, **settings)
        named = {name: _double(value) for name, value in settings.items()}
        spectra = torch.view_as_real(stft(input.double(), n_fft, *map(_double, args), **named))
        return torch.view_as_complex(spectra.float())  # the exporter cannot cast complex numbers

    with patch("torch.stft", in_float64):
        yield


def _double(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) else value
