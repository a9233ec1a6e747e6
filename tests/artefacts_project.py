"""Projects that an earlier version made, kept in tests/artefacts as they were, and what this version's code
makes of them. All of it happens in the working directory.
"""

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import soundfile
from export_project import Exported
from training_project import Project, table

from stages import evaluate, train
from stages.formats.transcribe import main

RECORDING = "recording.flac"
STATE = Path("artifacts/train/checkpoints/state.ckpt")
HISTORY = Path("artifacts/train/history.csv")
NUM_EPOCHS = 2  # that a training goes on

Values = np.ndarray[Any, np.dtype[np.float32]]


def copied(kept: Path, folder: Path) -> Project:
    """A project in ``folder``, with the folders that git does not keep, as they are empty."""
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    for name in ("default", "none"):
        (folder / "data" / "raw" / name).mkdir(parents=True, exist_ok=True)
    return Project(folder)


def scores(project: Project) -> dict[str, Any]:
    """Metrics, and of each utterance its reference, hypothesis and alternatives, of the evaluate stage."""
    project.run(evaluate)
    found = pq.read_table("artifacts/evaluate/hypotheses.parquet").to_pydict()
    texts = zip(found["reference"], found["hypothesis"], found["alternatives"], strict=True)
    hypotheses = dict(zip(found["id"], map(list, texts), strict=True))
    return {"metrics": project.json("artifacts/evaluate/metrics.json"), "hypotheses": hypotheses}


def transcript() -> dict[str, Any]:
    """What the recording says, by the bundle of the project."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        main(["--json", RECORDING])
    said: dict[str, Any] = json.loads(printed.getvalue())
    return said


def log_probs() -> Values:
    """Those (T', V) that the bundle gives for the recording's samples, as if they had the bundle's rate."""
    samples, _ = soundfile.read(RECORDING, dtype="float32")
    found, counts = Exported(Path()).run(samples[None], [len(samples)])
    assert counts.tolist() == [found.shape[1]]
    return found[0]


def going_on(project: Project) -> list[dict[str, str]]:
    """The history of a training that goes on from the kept state."""
    num_epochs = len(table(HISTORY)) + NUM_EPOCHS
    changes = {"train.resume_from": STATE.name, "train.trainer.max_epochs": num_epochs}
    return start_from(project, STATE, changes)


def start_from(project: Project, path: Path, changes: dict[str, Any]) -> list[dict[str, str]]:
    """The history of a training that has a kept file as its input."""
    inputs = Path("data/raw/start")
    inputs.mkdir()
    shutil.copy(path, inputs)
    project.set({"train.inputs": str(inputs), **changes})
    project.run(train)
    return table(HISTORY)
