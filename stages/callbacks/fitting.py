"""A training from its params to its outputs: what it builds, in which order, and what it writes."""

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelSummary, RichModelSummary
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
from stages.callbacks.lightning_data import LightningData
from stages.callbacks.lightning_task import LightningTask
from stages.callbacks.loggers import build_loggers
from stages.callbacks.pace import Pace, progress_bar
from stages.callbacks.run_name import name_of_run
from stages.callbacks.run_record import note_code, record_run
from stages.callbacks.sample_table import SampleTable
from stages.callbacks.step_log import StepLog
from stages.callbacks.trainer_arguments import DEVICES, built
from stages.callbacks.validation_report import ValidationReport
from stages.program.kept_results import KeptResult
from stages.program.outputs import whole_folder
from stages.program.signals import release_exit
from stages.schema import params as schema
from stages.tasks.checkpoint import Recipe
from stages.tasks.initialization import initialize
from stages.tasks.optimization import Optimization
from stages.tasks.optimizer_state import OptimizerState
from stages.tasks.task import Task
from stages.tasks.training_data import fit_tokens, read_data

FEATURES = Path("data/features")
LOGS = Path("artifacts/logs")
UNTRUE = ".*your dataloader is not resumable"  # ours resumes at the batch in the state


def fit(params: schema.Params, resolved: dict[str, object], kept: KeptResult) -> None:
    """Train, and write the outputs with the ``resolved`` params to ``kept.finished``."""
    if getattr(rank_zero_only, "rank", 0):
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - only the first process prints
    else:
        kept.begin()
    started, commit = time.monotonic(), note_code(LOGS)
    settings = params.train
    name = name_of_run(settings, kept.path / "run_name", LOGS / "tensorboard")
    seed_everything(params.seed, workers=True, verbose=False)
    recipe = fit_tokens(settings, FEATURES)
    probe = export_probe.start(recipe.model_dump_json(), params.export.formats)
    task = recipe.build()
    checkpoints = Checkpoints(settings.checkpoint, kept.path, recipe)
    untried = [] if checkpoints.state.path.exists() else [LargestBatches()]
    resume, state = _start(settings, task, recipe, checkpoints)
    optimization = Optimization(params.lr, settings.optimizer, settings.schedule, settings.groups, state)
    batches = read_data(params, task, FEATURES)
    history, pace = History(LOGS / "training.png"), Pace()
    first = [*checkpoints.callbacks, StepLog(), history, EpochSeed(params.seed), *untried]
    first += [Freezing(settings.groups)]  # after LargestBatches, which tries all that is unfrozen later
    trainer = _trainer(settings, name, pace, first, Interruptible(checkpoints.state))
    probe.join()
    if trainer.is_global_zero:
        kept.note_used(is_start=True)
    with memory_advice(settings):
        data = LightningData(batches, _first_batch(resume))
        trainer.fit(LightningTask(task, optimization), data, ckpt_path=resume, weights_only=True)
    release_exit()
    if not trainer.is_global_zero:
        sys.exit()  # the first process writes
    if not history.rows and not settings.trainer.get("fast_dev_run"):
        raise ValueError("train.trainer: it never validated, so there is no best checkpoint; let it validate")
    kept.note_used()
    with whole_folder(kept.finished) as folder:
        checkpoints.write(folder, task)
        _describe(resolved, recipe, history, folder)
    facts = {"run_name": name, "commit": commit, "seed": params.seed, "seconds": time.monotonic() - started}
    facts["hours_of_audio_per_hour"] = pace.hours_per_hour()
    record_run(trainer, task, batches, facts, LOGS / "train.json")


def _start(
    settings: schema.Train, task: Task, recipe: Recipe, checkpoints: Checkpoints
) -> tuple[Path | None, OptimizerState | None]:
    """The state to resume from, if any, and the optimizer's state. Loads the weights that training starts
    from.
    """
    if checkpoints.state.path.exists():
        return checkpoints.state.path, None
    inputs = Path(settings.inputs)
    task.load_pretrained(inputs)
    if settings.resume_from:
        return unpack_state(inputs / settings.resume_from, checkpoints.work, recipe, settings)
    if settings.init_from:
        return None, initialize(task, recipe, settings.init_from, inputs, LOGS / "init_from.json")
    return None, None


def _describe(resolved: dict[str, object], recipe: Recipe, history: History, folder: Path) -> None:
    """Write the history, tokens.json and the resolved params."""
    history.write(folder)
    vocabulary = json.dumps(recipe.vocabulary, ensure_ascii=False, indent=1)
    (folder / "tokens.json").write_text(f"{vocabulary}\n", encoding="utf-8")
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe").dump(resolved, stream)


def _first_batch(resume: Path | None) -> tuple[int, int]:
    """The epoch and the batch at which training starts or resumes."""
    if resume is None:
        return 0, 0
    state = torch.load(resume, map_location="cpu", weights_only=True)
    epoch, batch = int(state["epoch"]), int(state["resume"]["num_batches"])
    print(f"resuming in epoch {epoch + 1}, after {batch} of its batches ({resume})", flush=True)
    return epoch, batch


def _trainer(settings: schema.Train, name: str, pace: Pace, first: list[Any], last: Interruptible) -> Trainer:
    warnings.filterwarnings("ignore", UNTRUE)
    own = [part.build() for part in settings.callbacks]
    shown, bar = progress_bar(pace, own, settings.trainer.get("enable_progress_bar"))
    shown_by = _not_among(own, [ValidationReport(pace), SampleTable()])
    callbacks = [*_not_among(own, first), pace, *shown_by, *bar, *own, *_not_among(own, [BlankCollapse()])]
    summary = settings.trainer.get("enable_model_summary", True)
    if summary and not any(isinstance(callback, ModelSummary) for callback in own):
        callbacks.append(RichModelSummary(max_depth=2))  # the task and its modules
    if settings.early_stopping:
        callbacks.append(EarlyStopping(**settings.early_stopping.model_dump()))
    return Trainer(
        **{**DEVICES, **built(settings.trainer), "enable_progress_bar": shown, "enable_model_summary": False},
        default_root_dir=LOGS,
        logger=build_loggers(settings.loggers, LOGS, name),
        callbacks=[*callbacks, last],
        use_distributed_sampler=False,
    )


def _not_among(own: list[Any], usual: list[Any]) -> list[Any]:
    """The stage's usual callbacks, except those that params.yaml names with its own arguments."""
    return [callback for callback in usual if type(callback) not in set(map(type, own))]
