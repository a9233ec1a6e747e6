"""torchaudio with a CPU build of PyTorch.

PyPI's torchaudio is linked to CUDA: with a CPU build of PyTorch its import fails on libc10_cuda.so. Its pure
Python part (transforms, functional) needs no compiled code, and works if the extension is marked as absent.
"""

import sys
from types import ModuleType

import torch

SEEN_WITH = {"torchaudio": ("2.11",)}


def prepare_torchaudio() -> None:
    """Call before the first ``import torchaudio``; does nothing if PyTorch has CUDA."""
    name = "torchaudio._extension"
    if torch.version.cuda is not None or name in sys.modules:
        return
    absent = ModuleType(name, "Replaces torchaudio's compiled extension and marks it as absent.")
    absent._IS_TORCHAUDIO_EXT_AVAILABLE = False  # type: ignore[attr-defined]
    absent._IS_ALIGN_AVAILABLE = False  # type: ignore[attr-defined]
    absent.fail_if_no_align = lambda function: function  # type: ignore[attr-defined]
    absent._load_lib = lambda _: False  # type: ignore[attr-defined]
    sys.modules[name] = absent


prepare_torchaudio()
from torchaudio.functional import create_dct as create_dct  # noqa: E402
from torchaudio.transforms import MelSpectrogram as MelSpectrogram  # noqa: E402
