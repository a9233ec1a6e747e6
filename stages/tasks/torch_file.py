"""Read files of torch.save without running code, with one-line errors."""

import re
from pathlib import Path
from typing import Any

import torch

KEEP = (
    "If you trust it, keep only its weights and states for train.init_from, where that code is installed:"
    " found = torch.load(PATH, weights_only=False); torch.save({key: found[key] for key in ('state_dict',"
    " 'optimizer_states', 'lr_schedulers')}, NEW_PATH)"
)


def read_torch(path: Path) -> Any:
    """The file's content, on the CPU. OSError if it cannot be opened; ValueError if it is damaged, or if
    reading it would run code, which torch's long message suggests to allow.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # damage has many exception types
        if names := re.findall(r"GLOBAL ([\w.]+)", str(error)):
            raise ValueError(f"reading it would run code ({names[0]}). {KEEP}") from error
        raise ValueError("it is not a file of torch.save, or it is damaged") from error


def reason(error: Exception) -> str:
    """Why a file cannot be used, in one line."""
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return " ".join(str(error).split()) or type(error).__name__
