"""artifacts/logs/train.json: what differs from run to run, beside the model and never inside it."""

import json
import platform
import subprocess
from pathlib import Path

import lightning
import torch

from stages.program.outputs import write_whole
from stages.tasks.task import Task

VERSIONS = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "lightning": lightning.__version__,
}


def record_run(trainer: lightning.Trainer, task: Task, seconds: float, path: Path) -> None:
    """Where, with what and for how long a training ran."""
    trained = trainer.optimizers[0].param_groups
    record = {
        "commit": _commit(),
        "seconds": round(seconds, 1),
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "device": str(trainer.strategy.root_device),
        "machine": platform.platform(),
        "versions": VERSIONS,
        "trainable_parameters": sum(p.numel() for group in trained for p in group["params"]),
        "parameters": sum(p.numel() for p in task.parameters()),
    }
    write_whole(path, (json.dumps(record, indent=1) + "\n").encode())


def _commit() -> str | None:
    """The checkout's commit; None where there is no git, as on a machine that only trains."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None
