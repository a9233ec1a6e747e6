"""Files of torch.save, read without running code, and in one line why one cannot be."""

import re
from pathlib import Path
from typing import Any

import torch

KEEP = (
    "If you trust it, keep its weights and states alone for train.init_from, where that code is installed:"
    " found = torch.load(PATH, weights_only=False); torch.save({key: found[key] for key in ('state_dict',"
    " 'optimizer_states', 'lr_schedulers')}, NEW_PATH)"
)


def read_torch(path: Path) -> Any:
    """What the file holds, on the CPU. OSError where it is not to be had; ValueError where it is damaged, or
    where reading it would run code: torch says so at length, with the advice to let it.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # damage has many exception types
        if names := re.findall(r"GLOBAL ([\w.]+)", str(error)):
            raise ValueError(f"reading it would run code ({names[0]}). {KEEP}") from error
        raise ValueError("it is no file of torch.save, or it is damaged") from error


def reason(error: Exception) -> str:
    """Why a file is not what it should be."""
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return " ".join(str(error).split()) or type(error).__name__
