"""Checks across the sections of params.yaml: values that are valid alone but not together.

A check is a generator of problems. Its params may be only partly valid: it ends with Unknown at the first
value that is not.
"""

import inspect
import os
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from lightning.pytorch import callbacks

from stages.augment.trial import try_out
from stages.preflight import domains, packages, recognition, trainer
from stages.schema.nested import Unresolved, resolved
from stages.schema.problems import Place, Problems, problem

OUTPUTS = ("data/manifest", "data/features", "artifacts")
INPUT_FOLDERS = (("manifest", "root"), ("features", "inputs"), ("train", "inputs"), ("evaluate", "inputs"))
TRIAL_STEPS = 10_000

NO_CALLBACKS = {
    callbacks.ModelCheckpoint: "the stage saves checkpoints itself: see train.checkpoint",
    callbacks.StochasticWeightAveraging: "its count is lost when a training is resumed: use"
    " lightning.pytorch.callbacks.EMAWeightAveraging",
}


class Unknown(Exception):
    """The value is not valid, so a check that needs it cannot run."""


class ValidValues(SimpleNamespace):
    """The values of a section that are valid alone."""

    def __getattr__(self, name: str) -> Any:
        raise Unknown(name)


def problems(params: Any, trained: bool = False) -> Problems:
    """All conflicts between the values of Params, or of ValidValues if only some are valid.

    A ``trained`` model no longer needs its sources: train.inputs is not checked then.
    """
    with suppress(Unknown):
        if wrong := list(trainer.arguments(params)):
            yield from wrong
            params = _without_trainer(params)
    for check in CHECKS:
        with suppress(Unknown):
            yield from () if trained and check in (_train_inputs, _augmentations) else check(params)


def _without_trainer(params: Any) -> ValidValues:
    train = ValidValues(**{name: value for name, value in vars(params.train).items() if name != "trainer"})
    return ValidValues(**vars(params) | {"train": train})


def _folders(params: Any) -> Problems:
    """Input folders do not overlap the outputs of stages."""
    for section, key in INPUT_FOLDERS:
        folder = getattr(getattr(params, section), key)
        path = Path(os.path.abspath(folder))
        for output in OUTPUTS:
            written = Path(os.path.abspath(output))
            if path.is_relative_to(written) or written.is_relative_to(path):
                yield problem((section, key), f"must not overlap {output}, the output of a stage", folder)
                break


def _splits(params: Any) -> Problems:
    splits = params.manifest.splits
    for name in sorted({name for name in splits if splits.count(name) > 1}):
        yield problem(("manifest", "splits"), f"{name!r} appears twice")
    for name in sorted({"train", "validation", params.evaluate.split} - set(splits)):
        yield problem(("manifest", "splits"), f"{name!r} is missing, but a later stage reads it")


def _carve(params: Any) -> Problems:
    """The keys of carve and limit are splits of the manifest."""
    carve = params.manifest.carve
    if sum(carve.values()) >= 1:
        yield problem(("manifest", "carve"), "the fractions leave nothing for training")
    for name in sorted(set(carve) - set(params.manifest.splits)):
        yield problem(("manifest", "carve", name), f"{name!r} is not among manifest.splits")
    for index, corpus in enumerate(params.manifest.corpora):
        for name in sorted(set(corpus.limit) - set(params.manifest.splits)):
            place: Place = ("manifest", "corpora", index, "limit", name)
            yield problem(place, f"{name!r} is not among manifest.splits")


def _train_inputs(params: Any) -> Problems:
    yield from _resolvable(params, "train", "tokens")
    yield from _resolvable(params, "train", "task")


def _evaluate_inputs(params: Any) -> Problems:
    yield from _resolvable(params, "evaluate", "search")


def _resolvable(params: Any, section: str, key: str) -> Problems:
    """The files that a part reads from its section's inputs exist and are valid; a folder that DVC has not
    pulled yet is not checked.
    """
    settings = getattr(params, section)
    part, inputs = getattr(settings, key), Path(settings.inputs)
    try:
        if part and inputs.exists():
            resolved(part, inputs, params.features.sample_rate, only_check=True)
    except Unresolved as error:
        yield problem((section, key, *error.place), str(error))


def _augmentations(params: Any) -> Problems:
    """Each can be built, and those of recordings can be applied to noise."""
    for section, key in (("features", "copies"), ("train", "augment")):
        with suppress(Unknown):
            settings = getattr(params, section)
            inputs, sample_rate = Path(settings.inputs), params.features.sample_rate
            for index, part in enumerate(getattr(settings, key) if inputs.exists() else ()):
                try:
                    try_out(part, inputs, sample_rate)
                except ValueError as error:
                    yield problem((section, key, index, *getattr(error, "place", ())), str(error))


def _frontends(params: Any) -> Problems:
    for section in ("features", "train"):
        with suppress(Unknown):
            part = getattr(params, section).frontend
            sample_rate = params.features.sample_rate
            try:
                _ = part and part.try_out(sample_rate=sample_rate)
            except ValueError as error:
                yield problem((section, "frontend"), str(error))


def _optimization(params: Any) -> Problems:
    """Optimizer and schedule can be built with one weight."""
    weight = torch.nn.Parameter(torch.zeros(1, 1))
    place: Place = ("train", "optimizer")
    try:
        optimizer = params.train.optimizer.try_out(params=[weight], lr=params.lr)
        place = ("train", "schedule")
        schedule = params.train.schedule
        if schedule is None:
            return
        if "metrics" in inspect.signature(schedule.load().step).parameters:
            if schedule.monitor is None:
                yield problem(place, f"{schedule.class_path} needs monitor, the metric to follow")
            if params.train.trainer.get("check_val_every_n_epoch", 1) is None:
                yield problem(place, f"{schedule.class_path} needs check_val_every_n_epoch: 1 or more")
            if schedule.interval != "epoch":
                yield problem(place, f"{schedule.class_path} needs interval: epoch, as metrics are per epoch")
        schedule.try_out(optimizer=optimizer, max_lr=params.lr, total_steps=TRIAL_STEPS)
    except ValueError as error:
        yield problem(place, str(error))


def _monitors(params: Any) -> Problems:
    """Monitored metrics are logged: callbacks list theirs in the attribute ``logged``."""
    task = params.train.task
    logged = task.load().logged(task.init_args)
    logged |= {name for part in params.train.callbacks for name in getattr(part.load(), "logged", ())}
    for key in ("checkpoint", "early_stopping", "schedule"):
        with suppress(Unknown):
            monitor = getattr(getattr(params.train, key), "monitor", None)
            if monitor is not None and monitor not in logged:
                place = ("train", key, "monitor")
                yield problem(place, f"not a logged metric; logged are {', '.join(sorted(logged))}", monitor)


def _groups(params: Any) -> Problems:
    """Groups are unfrozen before training ends, and keep their fraction of the learning rate."""
    epochs = params.train.trainer.get("max_epochs") or -1
    for index, group in enumerate(params.train.groups):
        place: Place = ("train", "groups", index)
        if 0 < epochs <= (group.unfreeze_epoch or 0):
            message = f"training ends after {epochs} epochs (0 to {epochs - 1}); use frozen: true"
            yield problem((*place, "unfreeze_epoch"), message, group.unfreeze_epoch)
        if group.unfreeze_epoch and _finds_no_unused(params.train.trainer):
            message = "DDP waits for frozen gradients: set strategy: ddp_find_unused_parameters_true"
            yield problem((*place, "unfreeze_epoch"), message, group.unfreeze_epoch)
        schedule = params.train.schedule
        if group.lr_scale != 1.0 and schedule and schedule.init_args.get("eta_min"):
            message = "eta_min would be the same for every group; use WarmupCosine, which ends at a fraction"
            yield problem((*place, "lr_scale"), message, group.lr_scale)


def _finds_no_unused(trainer: dict[str, Any]) -> bool:
    """Whether the strategy is plain DDP, the default for more than one device."""
    alone = trainer.get("devices", 1) == 1 and trainer.get("num_nodes", 1) == 1
    return trainer.get("strategy", "auto") in (["ddp"] if alone else ["ddp", "auto"])


def _init_from(params: Any) -> Problems:
    start = params.train.init_from
    if start and start.restore_schedule and params.train.schedule is None:
        yield problem(("train", "init_from", "restore_schedule"), "needs a train.schedule to restore", True)
    if start and params.train.resume_from:
        message = "a resumed training has its weights already: set this or init_from to null"
        yield problem(("train", "resume_from"), message)


def _callbacks(params: Any) -> Problems:
    for index, part in enumerate(params.train.callbacks):
        refused = [why for kind, why in NO_CALLBACKS.items() if issubclass(part.load(), kind)]
        if refused:
            yield problem(("train", "callbacks", index), refused[0])
            continue
        try:
            part.try_out()
        except ValueError as error:
            yield problem(("train", "callbacks", index), str(error))


def _formats(params: Any) -> Problems:
    """No format appears twice, and the task can be exported."""
    task = params.train.task
    if params.export.formats and (reason := task.load().unexportable(task.init_args)):
        yield problem(("export", "formats"), reason)
    classes = [part.class_path for part in params.export.formats]
    for name in sorted({name for name in classes if classes.count(name) > 1}):
        yield problem(("export", "formats"), f"{name} appears twice")


CHECKS = (
    _folders, _splits, _carve, domains.cached, domains.taken, _train_inputs, _evaluate_inputs, _augmentations,
    _frontends, _optimization, _groups, _init_from, _monitors, _callbacks, _formats,
    packages.loggers, packages.executor,
    recognition.content, recognition.keys, recognition.search, recognition.positions, recognition.octaves,
    recognition.chord_types, recognition.chord_prior,
)  # fmt: skip
