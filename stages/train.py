"""Feature shards to a model: artifacts/train with best.ckpt, last.ckpt, tokens.json, history.csv, and
validation/ with a curve of each metric.

A run that was stopped, by whatever signal, goes on when nothing that it depends on has changed, and ends
with the same bytes (on CPU) as one that was never stopped.
"""

import hashlib
import json
import os
import shutil
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.utilities import rank_zero_only
from ruamel.yaml import YAML

from stages.callbacks import export_probe
from stages.callbacks.blank_collapse import BlankCollapse
from stages.callbacks.checkpoints import Checkpoints
from stages.callbacks.epoch_seed import EpochSeed
from stages.callbacks.freezing import Freezing
from stages.callbacks.history import History
from stages.callbacks.interruptible import Interruptible
from stages.callbacks.kept_state import unpack_state
from stages.callbacks.largest_batches import LargestBatches, memory_advice
from stages.callbacks.loggers import build_loggers
from stages.callbacks.pace import Pace, progress_bar
from stages.callbacks.run_name import name_of_run
from stages.callbacks.run_record import VERSIONS, note_code, record_run
from stages.callbacks.sample_table import SampleTable
from stages.callbacks.step_log import StepLog
from stages.callbacks.validation_report import ValidationReport
from stages.program.inputs import Inputs
from stages.program.outputs import forget_old, scratch_folder, whole_folder, write_whole
from stages.program.signals import release_exit
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.schema.trainer import DEVICES, built
from stages.tasks.checkpoint import Recipe
from stages.tasks.initialization import initialize
from stages.tasks.optimization import Optimization
from stages.tasks.training_data import fit_tokens, read_data

FEATURES = Path("data/features")
OUTPUT = Path("artifacts/train")
LOGS = Path("artifacts/logs")
UNTRUE = ".*your dataloader is not resumable"  # ours goes on at the batch that the state names

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
    work = _work_folder(params, inputs)
    finished = work / "finished"
    if not finished.exists():
        fit(params, work)
    for folder in ("checkpoints", "validation"):
        shutil.rmtree(OUTPUT / folder, ignore_errors=True)
        (OUTPUT / folder).mkdir(parents=True)
    for path in sorted(path for path in finished.rglob("*") if path.is_file()):
        write_whole(OUTPUT / path.relative_to(finished), path.read_bytes())


def clean(params: schema.Params, inputs: Inputs) -> None:
    shutil.rmtree(_work_folder(params, inputs))
    forget_old(scratch_folder("train"), days=30)


def _work_folder(params: schema.Params, inputs: Inputs) -> Path:
    """Where this very training keeps its state: addressed by all that it depends on."""
    machine = [VERSIONS, torch.cuda.is_available(), torch.get_num_threads()]
    settings = json.dumps([STAGE.settings(params), machine], sort_keys=True)
    key = hashlib.sha256(f"{settings}\0{inputs.digest()}".encode()).hexdigest()[:32]
    return scratch_folder("train") / key


def fit(params: schema.Params, work: Path) -> None:
    """Train, and leave the outputs whole in ``work/finished``."""
    if getattr(rank_zero_only, "rank", 0):
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the first process speaks for all
    started, commit = time.monotonic(), note_code(LOGS)
    settings = params.train
    name = name_of_run(settings, work / "run_name", LOGS / "tensorboard")
    lightning.seed_everything(params.seed, workers=True, verbose=False)
    recipe = fit_tokens(settings, FEATURES)
    probe = export_probe.start(recipe.model_dump_json(), params.export.formats)
    task = recipe.build()
    checkpoints = Checkpoints(settings.checkpoint, work, recipe)
    resume = checkpoints.state.path if checkpoints.state.path.exists() else None
    untried = [] if resume else [LargestBatches()]
    if not resume:
        task.load_pretrained(Path(settings.inputs))
    state = None
    if settings.resume_from and not resume:
        start = Path(settings.inputs) / settings.resume_from
        resume, state = unpack_state(start, work, recipe, settings)
    elif settings.init_from and not resume:
        state = initialize(task, recipe, settings.init_from, Path(settings.inputs), LOGS / "init_from.json")
    task.optimization = Optimization(params.lr, settings.optimizer, settings.schedule, settings.groups, state)
    data = read_data(params, task, FEATURES, _first_batch(resume))
    history, pace = History(LOGS / "training.png"), Pace()
    first = [*checkpoints.callbacks, StepLog(), history, EpochSeed(params.seed), *untried]
    first += [Freezing(settings.groups)]  # batches were tried with what is unfrozen later, too
    trainer = _trainer(settings, name, pace, first, Interruptible(checkpoints.state))
    probe.join()
    with memory_advice(settings):
        trainer.fit(task, data, ckpt_path=resume, weights_only=True)
    release_exit()
    if not trainer.is_global_zero:
        sys.exit()  # the first process writes
    if not history.rows and not settings.trainer.get("fast_dev_run"):
        raise ValueError("train.trainer: it never validated, so there is no best checkpoint; let it validate")
    with whole_folder(work / "finished") as folder:
        checkpoints.write(folder, task)
        _describe(params, recipe, history, folder)
    facts = {"run_name": name, "commit": commit, "seed": params.seed, "seconds": time.monotonic() - started}
    facts["hours_of_audio_per_hour"] = pace.hours_per_hour()
    record_run(trainer, task, data, facts, LOGS / "train.json")


def _describe(params: schema.Params, recipe: Recipe, history: History, folder: Path) -> None:
    """The history, tokens.json and the resolved params."""
    history.write(folder)
    (folder / "tokens.json").write_text(json.dumps(recipe.vocabulary, ensure_ascii=False, indent=1) + "\n")
    with (folder / "params.yaml").open("w") as stream:
        YAML(typ="safe").dump(STAGE.settings(params), stream)


def _first_batch(resume: Path | None) -> tuple[int, int]:
    """The epoch and the batch at which training begins or goes on."""
    if resume is None:
        return 0, 0
    state = torch.load(resume, map_location="cpu", weights_only=True)
    epoch, batch = int(state["epoch"]), int(state["resume"]["num_batches"])
    print(f"resuming in epoch {epoch + 1}, after {batch} of its batches ({resume})", flush=True)
    return epoch, batch


def _trainer(
    settings: schema.Train, name: str, pace: Pace, first: list[Any], last: Interruptible
) -> lightning.Trainer:
    warnings.filterwarnings("ignore", UNTRUE)
    own = [part.build() for part in settings.callbacks]
    shown, bar = progress_bar(pace, own, settings.trainer.get("enable_progress_bar"))
    shown_by = _not_among(own, [ValidationReport(pace), SampleTable()])
    callbacks = [*_not_among(own, first), pace, *shown_by, *bar, *own, *_not_among(own, [BlankCollapse()])]
    if settings.early_stopping:
        callbacks.append(EarlyStopping(**settings.early_stopping.model_dump()))
    return lightning.Trainer(
        **{**DEVICES, **built(settings.trainer), "enable_progress_bar": shown},
        default_root_dir=LOGS,
        logger=build_loggers(settings.loggers, LOGS, name),
        callbacks=[*callbacks, last],
        use_distributed_sampler=False,
    )


def _not_among(own: list[Any], usual: list[Any]) -> list[Any]:
    """The stage's own callbacks, but for those that params.yaml names with arguments of its own."""
    return [callback for callback in usual if type(callback) not in set(map(type, own))]


if __name__ == "__main__":
    STAGE.main(run, __doc__, clean)
