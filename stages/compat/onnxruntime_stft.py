"""onnxruntime's Fourier transform in float32, where its size is no power of two, has an error of 5e-5 of the
loudest frequency (size 400; torch: 2e-7), which is much of a quiet one. In float64 it is exact, and as fast.
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
    """Inside, an export computes such transforms in float64."""
    stft = torch.stft

    def in_float64(input: Tensor, n_fft: int, *args: Any, **settings: Any) -> Tensor:
        if n_fft.bit_count() == 1:  # a power of two
            return stft(input, n_fft, *args, **settings)
        named = {name: _double(value) for name, value in settings.items()}
        spectra = torch.view_as_real(stft(input.double(), n_fft, *map(_double, args), **named))
        return torch.view_as_complex(spectra.float())  # the exporter casts no complex numbers

    with patch("torch.stft", in_float64):
        yield


def _double(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) else value
