"""From shards to batches: padding, fresh augmentation, and utterances that are repeated.

B batch, T frames, F features, U tokens.
"""

import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from training_project import tone_tokens

from stages import features, manifest
from stages.augment.augmentation import Augmentation, Samples
from stages.batching.batch import Batch, Example, collate
from stages.batching.batches import Batches, loader
from stages.batching.duration_sampler import DurationSampler
from stages.batching.feature_dataset import FeatureDataset
from stages.callbacks.lightning_data import LightningData
from stages.preflight.reading import read_params
from stages.program.inputs import Inputs
from stages.schema.families import Corpus
from stages.schema.part import Part

RECIPE = Path(__file__).parents[1] / "flows" / "recipes" / "simple_ctc.yaml"
COUNTS = {"num_train": 12, "num_validation": 4, "num_test": 4}
WAVEFORM = Part(class_path="stages.frontends.waveform.Waveform")
TONES = Corpus(class_path="stages.corpora.tones.Tones", init_args=COUNTS)
SPEED = Part(class_path="stages.augment.speed.Speed", init_args={"factor": 2.0})


def example(num_frames: int, target: list[int]) -> Example:
    return Example(f"{num_frames} frames", np.full((num_frames, 2), num_frames, np.float32), target, "text")


def test_utterances_are_padded_with_0_to_the_longest() -> None:
    batch = collate([example(1, [5]), example(3, [6, 7]), example(2, [])])
    assert batch.features[..., 0].tolist() == [[1, 0, 0], [3, 3, 3], [2, 2, 0]]
    assert batch.features.shape == (3, 3, 2)
    assert batch.feature_lengths.tolist() == [1, 3, 2]
    assert batch.targets.tolist() == [[5, 0], [6, 7], [0, 0]]
    assert batch.target_lengths.tolist() == [1, 2, 0]
    assert batch.ids == ["1 frames", "3 frames", "2 frames"]


def test_utterances_without_tokens_can_be_a_batch() -> None:
    assert collate([example(1, []), example(2, [])]).targets.shape == (2, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """data/features of the tone corpus, waveforms, with one copy of the training split."""
    params = read_params(RECIPE)
    from_tones = params.manifest.model_copy(update={"corpora": [TONES]})
    with_a_copy = params.features.model_copy(update={"copies": [SPEED], "frontend": WAVEFORM})
    params = params.model_copy(update={"manifest": from_tones, "features": with_a_copy})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("project"))
        Path(params.manifest.root).mkdir(parents=True)
        manifest.run(params, Inputs([]))
        features.run(params, Inputs([]))
        yield Path("data/features").absolute()


class Noise(Augmentation):
    """Adds random numbers, so that every augmented value differs."""

    def apply(self, samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
        return samples + generator.normal(0.0, 0.01, len(samples)).astype(np.float32)


def dataset(folder: Path, split: str = "train", augment: bool = True, seed: int = 0) -> FeatureDataset:
    return FeatureDataset(folder / split, tone_tokens(), [Noise()] if augment else [], seed)


def by_id(batches: list[Batch]) -> dict[tuple[str, int], torch.Tensor]:
    """Each utterance's features; the length identifies its copy."""
    return {
        (name, int(length)): features[:length]
        for batch in batches
        for name, length, features in zip(batch.ids, batch.feature_lengths, batch.features, strict=True)
    }


def same(first: dict[Any, torch.Tensor], second: dict[Any, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(first[key].equal(second[key]) for key in first)


def test_items_are_sorted_by_id_and_copy(folder: Path) -> None:
    found = dataset(folder)
    keys = list(zip(found.ids.to_pylist(), found.items["copy"].tolist(), strict=True))
    assert len(found) == 24
    assert keys == sorted(keys)
    assert found.seconds[1] == pytest.approx(found.seconds[0] / 2, abs=0.02)


def test_an_item_has_the_features_and_the_transcript_of_its_utterance(folder: Path) -> None:
    item = dataset(folder, augment=False)[0, 0]
    assert item.values.shape == (dataset(folder).num_frames[0], 1)
    assert item.values.dtype == np.float32
    assert item.target == tone_tokens().encode(item.text)


def test_augmentation_is_the_same_for_the_same_seed_epoch_and_utterance(folder: Path) -> None:
    np.testing.assert_array_equal(dataset(folder)[3, 1].values, dataset(folder)[3, 1].values)


def test_augmentation_differs_between_seeds_epochs_and_copies(folder: Path) -> None:
    drawn = [
        (
            dataset(folder, seed=seed)[position, epoch].values
            - dataset(folder, augment=False)[position, 0].values
        )[0, 0]
        for seed, epoch, position in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    ]
    assert len({round(float(value), 6) for value in drawn}) == 4


def test_a_batch_has_the_seeds_of_its_utterances(folder: Path) -> None:
    found = dataset(folder, seed=7)
    batch = collate([found[position, 5] for position in (0, 1, 4)])
    assert [seeds[:2] for seeds in batch.draws] == [(7, 5)] * 3
    assert [seeds[3] for seeds in batch.draws] == [0, 1, 0]
    assert len(set(batch.draws)) == 3


def test_augmentation_does_not_depend_on_which_other_utterances_there_are(folder: Path) -> None:
    whole, part = dataset(folder), dataset(folder)
    part.keep([5, 8])
    assert part.ids.to_pylist() == [str(whole.ids[5]), str(whole.ids[8])]
    assert part[1, 2].text == whole[8, 2].text
    np.testing.assert_array_equal(part[1, 2].values, whole[8, 2].values)


def test_the_number_of_workers_changes_nothing(folder: Path) -> None:
    by_workers = []
    for num_workers in (0, 2):
        found = dataset(folder)
        batches = loader(found, DurationSampler(found.seconds, 6.0, seed=0, epoch=0), num_workers)
        epochs = []
        for epoch in range(2):
            batches.batch_sampler.set_epoch(epoch)
            epochs.append(list(batches))
        by_workers.append(epochs)
    for alone, shared in zip(*by_workers, strict=True):
        assert [batch.ids for batch in alone] == [batch.ids for batch in shared]
        assert same(by_id(alone), by_id(shared))
    assert not same(*(by_id(epoch) for epoch in by_workers[0]))


def data_module(folder: Path) -> LightningData:
    batches = Batches(
        dataset(folder),
        FeatureDataset(folder / "validation", tone_tokens()),
        seed=0, max_batch_seconds=6.0, max_batch_size=None, num_workers=0,
    )  # fmt: skip
    return LightningData(batches)


def test_validation_is_what_the_cache_holds_in_the_order_of_length(folder: Path) -> None:
    batches = list(data_module(folder).val_dataloader())
    cached = dataset(folder, "validation", augment=False)
    assert same(by_id(batches), by_id([collate([cached[position, 0]]) for position in range(len(cached))]))
    lengths = torch.cat([batch.feature_lengths for batch in batches]).tolist()
    assert lengths == sorted(lengths)


def test_validation_never_changes_while_training_does(folder: Path) -> None:
    data = data_module(folder)
    assert same(*(by_id(list(data.val_dataloader())) for _ in range(2)))
    trained = data.train_dataloader()
    epochs = []
    for epoch in range(2):
        trained.batch_sampler.set_epoch(epoch)
        epochs.append(by_id(list(trained)))
    assert epochs[0].keys() == epochs[1].keys()
    assert not same(*epochs)


def with_repeats(folder: Path, tmp_path: Path, repeats: list[int | None]) -> Path:
    """The training split, with some utterances repeated in an epoch."""
    copied = tmp_path / "train"
    shutil.copytree(folder / "train", copied)
    index = pq.read_table(copied / "index.parquet")
    column = pa.array([*repeats, *[None] * (len(index) - len(repeats))], pa.int32())
    place = index.schema.get_field_index("repeat")
    pq.write_table(index.set_column(place, index.schema.field(place), column), copied / "index.parquet")
    return copied


def test_a_repeated_utterance_occurs_as_often_and_is_augmented_anew_each_time(
    folder: Path, tmp_path: Path
) -> None:
    repeated = FeatureDataset(with_repeats(folder, tmp_path, [2]), tone_tokens(), [Noise()])
    once = dataset(folder, augment=False)
    assert len(repeated) == len(once) + 2 * 2  # the original and its copy
    assert repeated.ids.to_pylist() == [str(once.ids[0])] * 4 + once.ids.to_pylist()
    assert repeated.items["copy"].tolist()[:6] == [0, 0, 0, 1, 1, 1]
    drawn = [repeated[position, 3].values - once[0, 3].values for position in range(3)]
    assert len({float(values[0, 0]) for values in drawn}) == 3


def test_what_augmentation_is_seeded_by_goes_with_the_batch(folder: Path, tmp_path: Path) -> None:
    repeated = FeatureDataset(with_repeats(folder, tmp_path, [1]), tone_tokens(), seed=5)
    batch = collate([repeated[position, 7] for position in range(3)])
    name = zlib.crc32(batch.ids[0].encode())
    assert batch.draws == [(5, 7, name, 0), (5, 7, name, 0, 1), (5, 7, name, 1)]


def test_the_first_time_is_augmented_as_if_there_were_no_other(folder: Path, tmp_path: Path) -> None:
    repeated = FeatureDataset(with_repeats(folder, tmp_path, [1]), tone_tokens(), [Noise()])
    alone = FeatureDataset(folder / "train", tone_tokens(), [Noise()])
    np.testing.assert_array_equal(repeated[0, 2].values, alone[0, 2].values)


def test_held_out_utterances_are_never_repeated(folder: Path, tmp_path: Path) -> None:
    repeated = with_repeats(folder, tmp_path, [3, 3])
    assert len(FeatureDataset(repeated, tone_tokens(), held_out=True)) == len(dataset(folder))
