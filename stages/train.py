"""Feature shards to a model: artifacts/train with best.ckpt, last.ckpt, tokens.json, history.csv, and
validation/ with a curve of each metric.

A run that was stopped, by whatever signal, goes on when nothing that it depends on has changed, and ends
with the same bytes (on CPU) as one that was never stopped.
"""

import hashlib
import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

from stages.program.inputs import Inputs
from stages.program.kept_results import KeptResult
from stages.program.outputs import scratch_folder, write_whole
from stages.program.stage import Stage
from stages.schema import params as schema

FEATURES = Path("data/features")
OUTPUT = Path("artifacts/train")

STAGE = Stage(
    name="train",
    shared=("seed", "lr"),
    code=(
        "train.py", "schema", "program", "frontends", "tokens", "augment", "corpora/recording.py",
        "batching", "models", "losses", "search", "metrics", "schedules", "callbacks", "tasks",
    ),
    data=lambda params: [FEATURES, Path(params.train.inputs)],
)  # fmt: skip


def run(params: schema.Params, inputs: Inputs) -> None:
    kept = _kept(params, inputs)
    if kept.is_recorded():  # nothing at all has changed, so somebody wants it done again
        kept.forget()
    if kept.finished.exists():
        print("train: nothing that this training uses has changed since it ended: its result is restored")
    else:
        from stages.callbacks.fitting import fit  # seconds of imports, which a kept result does without

        fit(params, STAGE.settings(params), kept)
    for folder in ("checkpoints", "validation"):
        shutil.rmtree(OUTPUT / folder, ignore_errors=True)
        (OUTPUT / folder).mkdir(parents=True)
    for path in sorted(path for path in kept.finished.rglob("*") if path.is_file()):
        write_whole(OUTPUT / path.relative_to(kept.finished), path.read_bytes())


def clean(params: schema.Params, inputs: Inputs) -> None:
    _kept(params, inputs).record()


def _kept(params: schema.Params, inputs: Inputs) -> KeptResult:
    """Where this very training keeps its state and its result: by all that it depends on but its code."""
    import torch

    machine = [version(name) for name in ("torch", "lightning")]
    machine += [platform.python_version(), str(torch.cuda.is_available()), str(torch.get_num_threads())]
    digests = inputs.digests()
    code = {name: digest for name, digest in digests.items() if name.startswith("stages/")}
    data = {name: digest for name, digest in digests.items() if name not in code}
    settings = json.dumps([STAGE.settings(params), machine, data], sort_keys=True)
    key = hashlib.sha256(settings.encode()).hexdigest()[:32]
    return KeptResult(scratch_folder("train") / key, code)


if __name__ == "__main__":
    STAGE.main(run, __doc__, clean)
