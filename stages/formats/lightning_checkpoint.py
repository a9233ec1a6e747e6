"""Weights in Lightning's format, for programs that read ``torch.load(path)["state_dict"]``."""

import io
from pathlib import Path

import torch

from stages.formats.format import Format
from stages.tasks.checkpoint import Recipe
from stages.tasks.checkpoint_file import renamed
from stages.tasks.task import Task


class LightningCheckpoint(Format):
    """``lightning.ckpt``: ``state_dict``, and empty ``optimizer_states`` and ``lr_schedulers``.

    ``rename`` maps prefixes of weights' names to new ones, the reverse of train.init_from. The file contains
    neither vocabulary nor frontend; OnnxBundle's tokens.json and card.json do. The same checkpoint gives the
    same bytes; reading it runs no code.
    """

    def __init__(self, rename: dict[str, str] | None = None) -> None:
        self.rename = rename or {}

    def write(self, recipe: Recipe, task: Task, folder: Path) -> None:
        weights = task.state_dict()
        names = renamed(weights, self.rename)
        if len(set(names.values())) < len(names):
            raise ValueError(f"rename: two weights would have the same name, of {', '.join(names)}")
        content = {
            "state_dict": {names[name]: weight for name, weight in sorted(weights.items())},
            "optimizer_states": [],
            "lr_schedulers": [],
        }
        buffer = io.BytesIO()  # a file's name would become part of its bytes
        torch.save(content, buffer)
        (folder / "lightning.ckpt").write_bytes(buffer.getvalue())
