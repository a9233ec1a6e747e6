"""artifacts/logs/train.json: facts that differ between runs, so never part of the model."""

import json
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer, __version__

from stages.batching.batches import Batches
from stages.program.outputs import write_whole
from stages.tasks.task import Task

VERSIONS = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "lightning": __version__,
}


def record_run(trainer: Trainer, task: Task, batches: Batches, facts: Mapping[str, Any], path: Path) -> None:
    """Record a training's machine, versions and data, with the ``facts`` of its stage."""
    trained = trainer.optimizers[0].param_groups
    record = {
        **{name: round(fact, 1) if isinstance(fact, float) else fact for name, fact in facts.items()},
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "device": str(trainer.strategy.root_device),
        "machine": platform.platform(),
        "versions": VERSIONS,
        "trainable_parameters": sum(p.numel() for group in trained for p in group["params"]),
        "parameters": sum(p.numel() for p in task.parameters()),
    }
    for split, dataset in (("train", batches.train), ("validation", batches.validation)):
        record[f"{split}_utterances"] = len(dataset)
        record[f"{split}_hours"] = round(float(dataset.seconds.sum()) / 3600, 4)
    sampler = batches.train_sampler()
    record["batches_per_epoch"], record["padding"] = len(sampler), round(sampler.padding(0), 4)
    write_whole(path, (json.dumps(record, indent=1) + "\n").encode())


def note_code(folder: Path) -> str | None:
    """The checkout's commit; its uncommitted changes go to ``folder`` as uncommitted.patch. Without git, as
    on a machine that only trains, None and no patch.

    The patch leaves out outputs of stages, which DVC removes before a stage runs.
    """
    patch = _git("diff", "--no-ext-diff", "--no-color", "HEAD", "--", ".", ":(exclude)artifacts")
    if patch:
        write_whole(folder / "uncommitted.patch", patch)
    else:
        (folder / "uncommitted.patch").unlink(missing_ok=True)
    return _git("rev-parse", "HEAD").decode().strip() or None


def _git(*arguments: str) -> bytes:
    """What git prints; nothing when it fails."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""
