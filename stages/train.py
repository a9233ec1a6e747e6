"""Feature shards to a model: artifacts/train with best.ckpt, last.ckpt, tokens.json, history.csv.

A run that was stopped, by whatever signal, goes on from its last finished epoch when nothing that it
depends on has changed, and ends with the same bytes (on CPU) as one that was never stopped.
"""

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lightning
import pyarrow.parquet as pq
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from ruamel.yaml import YAML

from stages.batching.data_module import DataModule
from stages.batching.feature_dataset import FeatureDataset
from stages.callbacks.epoch_seed import EpochSeed
from stages.callbacks.history import History
from stages.callbacks.validation_report import ValidationReport
from stages.program.inputs import Inputs
from stages.program.outputs import forget_old, scratch_folder, whole_folder, write_whole
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.schema.feature_table import read_metadata
from stages.schema.trainer import DEVICES
from stages.tasks.checkpoint import Recipe, pack
from stages.tasks.optimization import Optimization
from stages.tasks.task import Task

FEATURES = Path("data/features")
OUTPUT = Path("artifacts/train")
LOGS = Path("artifacts/logs")
VERSIONS = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "lightning": lightning.__version__,
}

STAGE = Stage(
    name="train",
    shared=("seed", "lr"),
    code=(
        "train.py", "schema", "program", "frontends", "tokens", "augment", "batching",
        "models", "losses", "search", "metrics", "schedules", "callbacks", "tasks",
    ),
    data=lambda params: [FEATURES, Path(params.train.inputs)],
)  # fmt: skip


def run(params: schema.Params, inputs: Inputs) -> None:
    work = _work_folder(params, inputs)
    finished = work / "finished"
    if not finished.exists():
        fit(params, work)
    for path in sorted(finished.iterdir()):
        write_whole(OUTPUT / path.name, path.read_bytes())


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
    started = time.monotonic()
    settings = params.train
    lightning.seed_everything(params.seed, workers=True, verbose=False)
    recipe = _fit_tokens(settings)
    task = recipe.build()
    task.optimization = Optimization(params.lr, settings.optimizer, settings.schedule)
    resume = work / "resume" / "last.ckpt"
    data = _read_data(params, task, _first_epoch(resume))
    history = History()
    best = _best(settings, work)
    trainer = _trainer(params, work, [history, best, EpochSeed(params.seed)])
    trainer.fit(task, data, ckpt_path=resume if resume.exists() else None, weights_only=True)
    if trainer.interrupted:
        raise ValueError("training was interrupted; run again to go on from the last finished epoch")
    if not history.rows and not settings.trainer.get("fast_dev_run"):
        raise ValueError("train.trainer: it never validated, so there is no best checkpoint; let it validate")
    with whole_folder(work / "finished") as folder:
        (folder / "best.ckpt").write_bytes(pack(recipe, _best_weights(best, task)))
        (folder / "last.ckpt").write_bytes(pack(recipe, task.state_dict()))
        (folder / "history.csv").write_bytes(history.csv())
        (folder / "tokens.json").write_text(
            json.dumps(recipe.vocabulary, ensure_ascii=False, indent=1) + "\n"
        )
        with (folder / "params.yaml").open("w") as stream:
            YAML(typ="safe").dump(STAGE.settings(params), stream)
    _record_run(trainer, task, time.monotonic() - started)


def _first_epoch(resume: Path) -> int:
    if not resume.exists():
        return 0
    epoch = int(torch.load(resume, map_location="cpu", weights_only=True)["epoch"]) + 1
    print(f"resuming in epoch {epoch + 1}, after the last finished one ({resume})", flush=True)
    return epoch


def _fit_tokens(settings: schema.Train) -> Recipe:
    folder = FEATURES / "train"
    metadata = read_metadata(folder)
    tokens = settings.tokens.build()
    tokens.fit(pq.read_table(folder / "index.parquet", columns=["text"])["text"].to_pylist())
    return Recipe(
        task=settings.task,
        tokens=settings.tokens,
        vocabulary=tokens.vocabulary,
        features=metadata,
        frontend=settings.frontend,
    )


def _read_data(params: schema.Params, task: Task, first_epoch: int) -> DataModule:
    settings = params.train
    augment = [part.build() for part in settings.augment]
    train = FeatureDataset(FEATURES / "train", task.tokens.encode, augment, params.seed)
    validation = FeatureDataset(FEATURES / "validation", task.tokens.encode_known)
    _drop_unlearnable(train, task)
    _report_unlearnable(validation, task, "not part of val_loss")
    _report_unknown(validation, task)
    batching = settings.batching.model_dump()
    return DataModule(train, validation, seed=params.seed, first_epoch=first_epoch, **batching)


def _drop_unlearnable(train: FeatureDataset, task: Task) -> None:
    hopeless = _report_unlearnable(train, task, "left out of training")
    train.keep([position for position in range(len(train)) if position not in hopeless])
    if not len(train):
        raise ValueError(f"{FEATURES}/train: no utterance is long enough for its transcript")


def _report_unlearnable(dataset: FeatureDataset, task: Task, consequence: str) -> set[int]:
    """Positions of utterances that no alignment fits, counted and named."""
    hopeless = task.unlearnable(dataset.num_frames.tolist(), dataset.targets)
    if hopeless:
        names = ", ".join(f"{dataset.ids[p]} (copy {dataset.copies[p]})" for p in hopeless[:5])
        print(f"{consequence}: {len(hopeless)} utterances too short for their transcripts, first {names}")
    return set(hopeless)


def _report_unknown(validation: FeatureDataset, task: Task) -> None:
    for name, text in zip(validation.ids, validation.texts, strict=True):
        if unknown := task.tokens.unknown(text):
            print(f"validation utterance {name}: {unknown} never occurs in training, so counts as an error")


def _best(settings: schema.Train, work: Path) -> ModelCheckpoint:
    return ModelCheckpoint(
        dirpath=work / "best",
        filename="{epoch}-{step}",
        monitor=settings.checkpoint.monitor,
        mode=settings.checkpoint.mode,
        save_weights_only=True,
        enable_version_counter=False,
    )


def _trainer(params: schema.Params, work: Path, callbacks: list[Any]) -> lightning.Trainer:
    settings = params.train
    callbacks = [*callbacks, ValidationReport(), *(part.build() for part in settings.callbacks)]
    if settings.early_stopping:
        callbacks.append(EarlyStopping(**settings.early_stopping.model_dump()))
    resume = ModelCheckpoint(
        dirpath=work / "resume", filename="last", every_n_epochs=1, save_on_train_epoch_end=True,
        enable_version_counter=False,
    )  # fmt: skip
    tensorboard = TensorBoardLogger(LOGS, name="tensorboard", version=work.name[:8])
    loggers = [tensorboard, *(part.build(save_dir=LOGS) for part in settings.loggers)]
    watched = {"enable_progress_bar": sys.stderr.isatty()}  # a file gets ValidationReport's lines instead
    watched |= DEVICES
    return lightning.Trainer(
        **{**watched, **settings.trainer},
        default_root_dir=LOGS,
        logger=loggers,
        callbacks=[*callbacks, resume],
    )


def _best_weights(best: ModelCheckpoint, task: Task) -> dict[str, torch.Tensor]:
    """The best validation's weights; the last ones after a fast_dev_run, which validates but saves none."""
    if not best.best_model_path:
        return task.state_dict()
    weights: dict[str, torch.Tensor] = torch.load(
        best.best_model_path, map_location="cpu", weights_only=True
    )["state_dict"]
    return weights


def _record_run(trainer: lightning.Trainer, task: Task, seconds: float) -> None:
    """What differs from run to run: beside the model, never inside it."""
    record = {
        "commit": _commit(),
        "seconds": round(seconds, 1),
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "device": str(trainer.strategy.root_device),
        "machine": platform.platform(),
        "versions": VERSIONS,
        "trainable_parameters": sum(p.numel() for p in task.parameters() if p.requires_grad),
    }
    write_whole(LOGS / "train.json", (json.dumps(record, indent=1) + "\n").encode())


def _commit() -> str | None:
    """The checkout's commit; None where there is no git, as on a machine that only trains."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None


if __name__ == "__main__":
    STAGE.main(run, __doc__, clean)
