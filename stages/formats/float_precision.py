"""Features in ONNX are as precise as in torch where they are quiet.

onnxscript's optimiser takes any constant below 1e-8 for 0 and drops what adds it (seen with 0.5 to 0.7): a
logarithm loses the floor under it, and silence becomes minus infinity.

onnxruntime's Fourier transform in float32, where its size is no power of two, errs by 5e-5 of the loudest
frequency (size 400, seen with 1.31; torch: 2e-7), which is much of a quiet one. In float64 it is as fast.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from onnxscript import rewriter
from onnxscript.rewriter.rules.common import _no_op
from torch import Tensor

RULES = "_DEFAULT_REWRITE_RULES"


@contextmanager
def float_precision() -> Iterator[None]:
    """While it lasts, tracing keeps additions of tiny constants, and such transforms are in float64."""
    stft = torch.stft

    def precise_stft(input: Tensor, n_fft: int, *args: Any, **settings: Any) -> Tensor:
        if n_fft.bit_count() == 1:  # a power of two
            return stft(input, n_fft, *args, **settings)
        named = {name: _double(value) for name, value in settings.items()}
        spectra = torch.view_as_real(stft(input.double(), n_fft, *map(_double, args), **named))
        return torch.view_as_complex(spectra.float())  # the exporter casts no complex numbers

    approximate = list(_no_op.rules)
    exact = tuple(rule for rule in getattr(rewriter, RULES) if rule not in approximate)
    with patch.object(rewriter, RULES, exact), patch("torch.stft", precise_stft):
        yield


def _double(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) else value
