"""Stands in for the train stage: its lines, its outputs, and a state with which a killed training goes on.

An epoch takes a tenth of a second, in which nothing is computed.
"""

import csv
import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from stages.program.inputs import Inputs
from stages.program.outputs import scratch_folder, whole_folder, write_whole
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.schema.feature_table import INDEX

FEATURES = Path("data/features")
OUTPUT = Path("artifacts/train")
EPOCH_SECONDS = 0.1
STAGE = Stage(
    name="train",
    shared=("seed", "lr"),
    code=("train.py", "schema", "program"),
    data=lambda params: [FEATURES, Path(params.train.inputs)],
)


def run(params: schema.Params, inputs: Inputs) -> None:
    settings = STAGE.settings(params)
    known = json.dumps([settings, inputs.digests()], sort_keys=True)
    work = scratch_folder("train") / hashlib.sha256(known.encode()).hexdigest()[:32] / "light"
    rows = _trained(params, work / "resume" / "last.ckpt")
    _write(rows, settings)
    shutil.rmtree(work)


def _trained(params: schema.Params, state: Path) -> list[dict[str, float]]:
    """A row for each epoch, which the state keeps."""
    if params.lr > 1:
        raise ValueError("the training loss became inf in epoch 0, batch 0, utterances all: lower lr")
    rows: list[dict[str, float]] = []
    if state.exists():
        rows = json.loads(state.read_text())
        print(f"resuming in epoch {len(rows) + 1}, after 0 of its batches ({state})", flush=True)
    num_rows = pq.read_metadata(FEATURES / "train" / INDEX).num_rows
    last = params.train.trainer["max_epochs"]
    for epoch in range(len(rows), last):
        time.sleep(EPOCH_SECONDS)
        rate = 1 / (1 + num_rows * (epoch + 1) * min(params.lr, 0.01))
        rates = {"val_blank_ratio": 0.1, "val_cer": rate / 2, "val_loss": 2 * rate, "val_wer": rate}
        measured = {"lr": params.lr, "grad_norm": 1.0, "train_loss": rate, **rates}
        rows.append({"epoch": epoch, "step": (epoch + 1) * num_rows, **measured})
        write_whole(state, json.dumps(rows).encode())
        shown = "  ".join(f"{name} {value:.4f}" for name, value in rates.items())
        print(f"epoch {epoch + 1}/{last}  {shown}  1 h/h  0 min 0 s left", flush=True)
    return rows


def _write(rows: list[dict[str, float]], settings: dict[str, Any]) -> None:
    with whole_folder(OUTPUT) as folder:
        for name in ("best.ckpt", "last.ckpt"):
            (folder / name).write_text(json.dumps([rows[-1]["val_wer"], settings]))
        (folder / "tokens.json").write_text("[]\n")
        with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
            YAML(typ="safe").dump(settings, stream)
        (folder / "checkpoints").mkdir()
        (folder / "validation").mkdir()
        _table(folder / "history.csv", list(rows[0]), rows)
        for name in ("blank_ratio", "cer", "wer"):
            _table(folder / "validation" / f"{name}.csv", ["epoch", "step", f"val_{name}"], rows)


def _table(path: Path, columns: list[str], rows: list[dict[str, float]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    STAGE.main(run, __doc__)
