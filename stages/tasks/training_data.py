"""From feature shards to a task's training data: vocabulary, batches, and which utterances are left out."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from stages.augment.augmentation import Augmentation
from stages.augment.batch_augmentation import BatchAugmentation
from stages.augment.building import build, with_sounds
from stages.batching.batches import Batches
from stages.batching.feature_dataset import FeatureDataset
from stages.batching.targets import encoded, transcripts
from stages.schema import params as schema
from stages.schema.feature_table import INDEX, read_metadata
from stages.schema.nested import resolved
from stages.schema.part import Part, parameters_of
from stages.search.search import Search
from stages.tasks.checkpoint import Recipe
from stages.tasks.task import Task
from stages.tokens.normalization import Normalization
from stages.tokens.tokens import Tokens

EMPTY = "utterances whose transcripts are empty once normalised, first"


def fit_tokens(settings: schema.Train, features: Path) -> Recipe:
    """What the task is built from, with the vocabulary of the training transcripts."""
    folder = features / "train"
    metadata = read_metadata(folder)
    task, part = (
        resolved(part, Path(settings.inputs), metadata.sample_rate)
        for part in (settings.task, settings.tokens)
    )
    tokens = part.build()
    tables = {path.parent.name: pq.read_table(path) for path in sorted(features.glob(f"*/{INDEX}"))}
    try:
        texts = {split: transcripts(tokens, table) for split, table in tables.items()}
        tokens.fit(texts["train"].to_pylist())
    except ValueError as error:
        raise ValueError(f"{error}{_files_of(settings.tokens, part, settings.inputs)}") from error
    for split, table in tables.items():  # texts without tokens must fail now, not after training
        encoded(tokens, table["id"], texts[split], held_out=split != "train")
    return Recipe(
        task=task,
        tokens=_in_full(part, tokens),
        vocabulary=tokens.vocabulary,
        tokens_state=tokens.state(),
        features=metadata,
        frontend=settings.frontend,
    )


def _in_full(part: Part, tokens: Tokens) -> Part:
    """The part with its complete normalization, so that a later version's defaults change no checkpoint."""
    parameter = parameters_of(part.load()).get("normalization")
    if not parameter or not isinstance(parameter.default, Normalization):
        return part
    init_args = part.init_args | {"normalization": asdict(tokens.normalization)}
    return part.model_copy(update={"init_args": init_args})


def _files_of(written: Part, part: Part, inputs: str) -> str:
    """The files that tokens were read from; ``part`` has their content instead of their names."""
    files = [
        f"{name}: {Path(inputs, value)}"
        for name, value in sorted(written.init_args.items())
        if isinstance(value, str) and part.init_args[name] != value
    ]
    return f" ({', '.join(files)})" if files else ""


def read_data(params: schema.Params, task: Task, features: Path) -> Batches:
    """The batches, without what cannot be learned; ValueError if nothing is left. Sets the task's
    augmentations, which follow its frontend.
    """
    settings = params.train
    sample_rate = read_metadata(features / "train").sample_rate
    parts = [with_sounds(part, Path(settings.inputs), sample_rate) for part in settings.augment]
    augmentations = [build(part) for part in parts]
    task.augmentations = [each for each in augmentations if isinstance(each, BatchAugmentation)]
    of_waveforms = [each for each in augmentations if isinstance(each, Augmentation)]
    train = FeatureDataset(features / "train", task.tokens, of_waveforms, params.seed)
    validation = FeatureDataset(features / "validation", task.tokens, held_out=True)
    _drop_unlearnable(train, task)
    _report_unlearnable(validation, task, "not part of val_loss")
    _report_unknown(validation, task)
    report_empty(validation, list(map(task.tokens.normalize, validation.texts.to_pylist())))
    for dataset in (train, validation):
        report_unwritable(dataset, task)
    batches = Batches(train, validation, params.seed, **settings.batching.model_dump())
    sampler = batches.train_sampler()
    print(f"train: {len(train)} utterances in {len(sampler)} batches, {sampler.padding(0):.1%} padding")
    return batches


def _drop_unlearnable(train: FeatureDataset, task: Task) -> None:
    consequence, targets = "left out of training", train.targets
    empty = np.flatnonzero(targets.starts == targets.ends).tolist()
    if empty:
        print(f"{consequence}: {len(empty)} {EMPTY} {_first(train, empty)}")
    hopeless = _report_unlearnable(train, task, consequence)
    train.keep(np.setdiff1d(np.arange(len(train)), [*empty, *hopeless]))
    if not len(train):
        raise ValueError(f"{train.folder}: no utterance has a transcript and is long enough for it")


def _report_unlearnable(dataset: FeatureDataset, task: Task, consequence: str) -> list[int]:
    """Positions of utterances that no alignment fits; prints their number and the first ones."""
    hopeless = task.unlearnable(dataset.num_frames.tolist(), dataset.targets)
    if hopeless:
        names = _first(dataset, hopeless)
        print(f"{consequence}: {len(hopeless)} utterances too short for their transcripts, first {names}")
    return hopeless


def report_unwritable(dataset: FeatureDataset, task: Task, search: Search | None = None) -> None:
    """Print how many utterances the search cannot write completely, whatever the model learns."""
    if cut := task.unwritable(dataset.num_frames.tolist(), dataset.targets, search):
        print(
            f"{dataset.folder.name}: {len(cut)} utterances have longer transcripts than the search can write,"
            f" first {_first(dataset, cut)}: raise max_tokens_per_frame"
        )


def report_empty(dataset: FeatureDataset, references: Sequence[str]) -> int:
    """The number of empty references; prints their utterances, which are scored nevertheless."""
    empty = [position for position, reference in enumerate(references) if not reference]
    if empty:
        names = _first(dataset, empty)
        print(f"{dataset.folder.name}: {len(empty)} {EMPTY} {names}: every word recognised there is an error")
    return len(empty)


def _first(dataset: FeatureDataset, positions: Sequence[int]) -> str:
    ids, copies = dataset.ids, dataset.items["copy"]
    return ", ".join(f"{ids[p]} (copy {copies[p]})" for p in positions[:5])


def _report_unknown(validation: FeatureDataset, task: Task) -> None:
    for name, text in zip(validation.ids.to_pylist(), validation.texts.to_pylist(), strict=True):
        if unknown := task.tokens.unknown(text):
            print(f"validation utterance {name}: {unknown} never occurs in training, so counts as an error")
