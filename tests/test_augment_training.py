"""Augmentation in the stages: cached copies, fresh recordings and masked features, in small trainings."""

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import torch
from built_once import built_once
from own_modules import COPIES, FRESH, SEVEN, STRETCHED
from training_project import Project, training_project

from stages import features, train
from stages.batching.batch import Batch
from stages.batching.batches import Batches
from stages.preflight.reading import read_params
from stages.tasks.checkpoint import Recipe
from stages.tasks.task import Task
from stages.tasks.training_data import fit_tokens, read_data

SPEC_AUGMENT = {"class_path": "stages.augment.spec_augment.SpecAugment", "init_args": {"policy": 2}}
NOISE = {
    "class_path": "stages.augment.background_noise.BackgroundNoise",
    "init_args": {"sounds": "noise", "min_snr_db": 8.0, "max_snr_db": 8.0, "p": 1.0},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The tone corpus, its waveforms cached with two copies, features made by the model."""
    made = training_project(tmp_path, monkeypatch)

    def build(folder: Path) -> None:
        made.set({**FRESH, "features.copies": COPIES, "train.augment": [*SEVEN, *STRETCHED, SPEC_AUGMENT]})
        made.run(features)
        shutil.copytree(tmp_path, folder, dirs_exist_ok=True)

    shutil.copytree(built_once("tones with copies", build), tmp_path, dirs_exist_ok=True)
    return made


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stored(split: str) -> dict[tuple[str, int], bytes]:
    table = pq.read_table([p for p in Path("data/features", split).glob("*.parquet") if p.stem != "index"])
    return {(row["id"], row["copy"]): row["values"] for row in table.to_pylist()}


def batches(project: Project, split: str, epoch: int) -> dict[tuple[str, int], torch.Tensor]:
    """What the loader gives in an epoch, by utterance and copy."""
    _, data = read(project)
    loader = data.train_loader(data.train_sampler()) if split == "train" else data.validation_loader()
    loader.batch_sampler.set_epoch(epoch)
    return {
        (name, seeds[3]): values[:length]
        for batch in loader
        for name, seeds, values, length in zip(
            batch.ids, batch.draws, batch.features, batch.feature_lengths, strict=True
        )
    }


def read(project: Project) -> tuple[Task, Batches]:
    params = read_params(project.params)
    recipe: Recipe = fit_tokens(params.train, Path("data/features"))
    task = recipe.build()
    return task, read_data(params, task, Path("data/features"))


def test_two_runs_of_the_features_stage_give_the_same_bytes(project: Project, tmp_path: Path) -> None:
    first = digests(tmp_path / "data" / "features")
    for path in (tmp_path / ".scratch" / "features").iterdir():
        path.unlink()
    project.run(features)
    assert digests(tmp_path / "data" / "features") == first


def test_copies_are_of_training_alone_and_differ_from_their_originals(project: Project) -> None:
    found = stored("train")
    assert {copy for _, copy in found} == {0, 1, 2}
    assert all(values != found[name, 0] for (name, copy), values in found.items() if copy)
    assert {copy for split in ("validation", "test") for _, copy in stored(split)} == {0}


def test_the_sounds_that_copies_mix_in_count_for_their_shards_alone(project: Project, tmp_path: Path) -> None:
    def mixed(level: float) -> dict[str, str]:
        (tmp_path / "data" / "raw" / "inputs" / "noise").mkdir(parents=True, exist_ok=True)
        sound = level * np.random.default_rng(0).normal(size=16000)
        soundfile.write(tmp_path / "data" / "raw" / "inputs" / "noise" / "a.wav", np.cumsum(sound) % 1, 16000)
        project.set({"features.copies": [NOISE], "features.inputs": "data/raw/inputs"})
        project.run(features)
        return digests(tmp_path / "data" / "features")

    first, second = mixed(0.01), mixed(0.2)
    assert {name for name in first if first[name] != second[name]} == {
        name for name in first if name.startswith("train/") and "index" not in name
    }


def test_fresh_recordings_differ_between_epochs_and_not_between_runs(project: Project) -> None:
    first, again, later = (batches(project, "train", epoch) for epoch in (0, 0, 1))
    assert first.keys() == later.keys() == stored("train").keys()
    assert all(first[key].equal(again[key]) for key in first)
    assert not any(first[key].equal(later[key]) for key in first if key[1])
    assert (
        len({len(values) for values in first.values()} - {len(v) // 2 for v in stored("train").values()}) > 10
    )


def test_validation_is_never_augmented(project: Project) -> None:
    found, cached = batches(project, "validation", 3), stored("validation")
    for key, values in found.items():
        samples = np.frombuffer(cached[key], np.int16).astype(np.float32) / np.float32(32767)
        np.testing.assert_array_equal(values[:, 0].numpy(), samples)
    task, data = read(project)
    batch = next(iter(data.validation_loader()))
    plain, _ = task.frontend(batch.features.squeeze(-1), batch.feature_lengths)  # type: ignore[misc]
    assert task.eval().features(batch)[0].equal(plain)


def spans(task: Task, loader: Iterable[Batch]) -> dict[tuple[str, int], list[int]]:
    """The positions (T, F) that training masks in each utterance and copy, with their values."""
    found = {}
    for batch in loader:
        plain, _ = task.eval().features(batch)
        changed, lengths = task.train().features(batch)
        assert changed.shape == plain.shape
        for row, name, seeds, length in zip(changed != plain, batch.ids, batch.draws, lengths, strict=True):
            assert not row[length:].any()
            found[name, seeds[3]] = row.flatten().nonzero().flatten().tolist()
    return found


@pytest.mark.parametrize("cached", ["waveform", "features"])
def test_features_are_masked_in_training_wherever_they_are_made(project: Project, cached: str) -> None:
    project.set({"train.augment": [SPEC_AUGMENT], "features.copies": []})
    if cached == "features":
        project.set({"features.frontend": FRESH["train.frontend"], "train.frontend": None})
    project.run(features)
    task, data = read(project)
    by_epoch = []
    for epoch in range(2):
        loader = data.train_loader(data.train_sampler())
        loader.batch_sampler.set_epoch(epoch)
        by_epoch.append(spans(task, loader))
    assert by_epoch[0].keys() == by_epoch[1].keys() == stored("train").keys()
    assert sum(by_epoch[0][key] != by_epoch[1][key] for key in by_epoch[0]) > 20


def test_an_utterance_is_masked_the_same_in_any_batch(project: Project) -> None:
    project.set({"train.augment": [SPEC_AUGMENT]})
    task, data = read(project)
    found = []
    for size in (2, 7):
        batches = replace(data, max_batch_seconds=1000.0, max_batch_size=size)
        found.append(spans(task, batches.train_loader(batches.train_sampler())))
    assert found[0] == found[1]
    assert any(found[0].values())


def test_any_number_of_workers_trains_to_the_same_bytes(project: Project, tmp_path: Path) -> None:
    found = []
    for num_workers in (0, 2):
        project.set({"train.batching.num_workers": num_workers})
        project.run(train)
        found.append(digests(tmp_path / "artifacts" / "train"))
    assert {"best.ckpt", "history.csv"} <= found[0].keys()
    same = [name for name in found[0] if name != "params.yaml"]
    assert {name: found[0][name] for name in same} == {name: found[1][name] for name in same}
