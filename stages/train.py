"""Feature shards to a model: artifacts/train with best.ckpt, last.ckpt, tokens.json, history.csv, and
validation/ with a curve of each metric.

A run that was stopped, by whatever signal, goes on when nothing that it depends on has changed, and ends
with the same bytes (on CPU) as one that was never stopped.
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from stages.program.inputs import PROJECT, Inputs
from stages.program.kept_results import KeptResult
from stages.program.outputs import scratch_folder, write_whole
from stages.program.quick_imports import quick_imports
from stages.program.stage import Stage
from stages.program.versions import installed
from stages.schema import params as schema

FEATURES = Path("data/features")
OUTPUT = Path("artifacts/train")
LOCK = Path("dvc.lock")
PACKAGES = (  # what a training may compute with
    "torch", "lightning", "torchaudio", "numpy", "pyarrow", "soundfile", "soxr", "sentencepiece",
    "audiomentations", "transformers",
)  # fmt: skip

STAGE = Stage(
    name="train",
    shared=("seed", "lr"),
    code=(
        "train.py", "schema", "program", "compat", "padding", "frontends", "tokens", "augment", "audio",
        "batching", "models", "losses", "search", "metrics", "schedules", "callbacks", "tasks",
    ),
    data=lambda params: [FEATURES, Path(params.train.inputs)],
)  # fmt: skip


def run(params: schema.Params, inputs: Inputs) -> Callable[[], None]:
    kept = _kept(params, inputs)
    if _is_forced(kept):
        kept.forget()
    if kept.finished.exists():
        print("train: nothing that this training uses has changed since it ended: its result is restored")
    else:
        with quick_imports():
            from stages.callbacks.fitting import fit  # which a kept result does without

        fit(params, STAGE.settings(params), kept)
    for folder in ("checkpoints", "validation"):
        shutil.rmtree(OUTPUT / folder, ignore_errors=True)
        (OUTPUT / folder).mkdir(parents=True)
    for path in sorted(path for path in kept.finished.rglob("*") if path.is_file()):
        write_whole(OUTPUT / path.relative_to(kept.finished), path.read_bytes())
    return kept.record


def _is_forced(kept: KeptResult) -> bool:
    """Whether nothing at all has changed and dvc, if it asks, has this very result: then somebody wants
    another. One of which dvc died, or had no room for it, before it was in dvc.lock is not lost.
    """
    if not kept.is_recorded():
        return False
    if "DVC_STAGE" not in os.environ or not LOCK.exists():
        return True
    with (kept.finished / "best.ckpt").open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest() in LOCK.read_text()


def _kept(params: schema.Params, inputs: Inputs) -> KeptResult:
    """Where this very training keeps its state and its result: by all that it depends on but its code."""
    with quick_imports():
        import torch

    machine = [platform.python_version(), torch.cuda.is_available(), torch.get_num_threads()]
    digests = inputs.digests()
    code = {name: digest for name, digest in digests.items() if name.startswith("stages/")}
    data = {name: digest for name, digest in digests.items() if name not in code}
    known = [STAGE.settings(params), machine, {name: installed(name) for name in PACKAGES}, data]
    key = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:32]
    everything = Inputs([PROJECT / "stages"]).digests() | code
    return KeptResult(scratch_folder("train") / key, everything, code)


if __name__ == "__main__":
    STAGE.main(run, __doc__)
