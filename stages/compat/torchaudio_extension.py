"""torchaudio beside a CPU build of torch.

PyPI's torchaudio is linked to CUDA: beside a CPU build of torch its import fails on libc10_cuda.so. Its pure
Python part (transforms, functional) needs no compiled code, and works when the extension says it is absent.
"""

import sys
from types import ModuleType

import torch

SEEN_WITH = {"torchaudio": ("2.11",)}


def prepare_torchaudio() -> None:
    """Call before the first ``import torchaudio``; does nothing where torch has CUDA."""
    name = "torchaudio._extension"
    if torch.version.cuda is not None or name in sys.modules:
        return
    absent = ModuleType(name, "Stands in for torchaudio's compiled extension, and says that it is absent.")
    absent._IS_TORCHAUDIO_EXT_AVAILABLE = False  # type: ignore[attr-defined]
    absent._IS_ALIGN_AVAILABLE = False  # type: ignore[attr-defined]
    absent.fail_if_no_align = lambda function: function  # type: ignore[attr-defined]
    absent._load_lib = lambda _: False  # type: ignore[attr-defined]
    sys.modules[name] = absent


prepare_torchaudio()
from torchaudio.functional import create_dct as create_dct  # noqa: E402
from torchaudio.transforms import MelSpectrogram as MelSpectrogram  # noqa: E402
