"""From shards to batches: the duration budget, padding, and fresh augmentation.

B batch, T frames, F features, U tokens.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_project import tone_tokens

from stages import features, manifest
from stages.augment.augmentation import Augmentation, Values
from stages.augment.spec_augment import SpecAugment
from stages.batching.batch import Batch, Example, collate
from stages.batching.data_module import DataModule, loader
from stages.batching.duration_sampler import DurationSampler
from stages.batching.feature_dataset import FeatureDataset
from stages.program.inputs import Inputs
from stages.schema.params import Corpus
from stages.schema.part import Part
from stages.schema.reading import read_params

RECIPE = Path(__file__).parents[1] / "flows" / "recipes" / "simple_ctc.yaml"
BUDGET = 80.0
LENGTHS = np.random.default_rng(0).lognormal(
    1.3, 0.6, 3000
)  # seconds; 3.7 in the middle, up to half a minute
COUNTS = {"num_train": 12, "num_validation": 4, "num_test": 4}
TONES = Corpus(class_path="stages.corpora.tones.Tones", init_args=COUNTS)
SPEED = Part(class_path="stages.augment.speed.Speed", init_args={"factor": 2.0})


def sampler(epoch: int = 0, seed: int | None = 0, lengths: Any = LENGTHS, **limits: Any) -> DurationSampler:
    return DurationSampler(lengths, **{"max_batch_seconds": BUDGET, **limits}, seed=seed, epoch=epoch)


def positions(batches: DurationSampler) -> list[list[int]]:
    return [[position for position, _ in batch] for batch in batches]


@pytest.mark.parametrize("epoch", range(5))
def test_every_utterance_is_in_one_batch_of_an_epoch(epoch: int) -> None:
    assert sorted(chain.from_iterable(positions(sampler(epoch)))) == list(range(3000))


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize("epoch", range(5))
def test_padded_seconds_stay_in_the_budget(epoch: int, seed: int | None) -> None:
    assert all(len(batch) * LENGTHS[batch].max() <= BUDGET for batch in positions(sampler(epoch, seed)))


@pytest.mark.parametrize("epoch", range(5))
def test_less_than_three_percent_of_a_shuffled_epoch_is_padding(epoch: int) -> None:
    padded = sum(len(batch) * LENGTHS[batch].max() for batch in positions(sampler(epoch)))
    assert LENGTHS.sum() / padded > 0.97


def test_the_number_of_batches_never_changes() -> None:
    batches = sampler()
    assert {len(list(sampler(epoch))) for epoch in range(10)} == {len(batches)}


def test_epochs_have_other_batches_in_another_order() -> None:
    first, second = ({frozenset(batch) for batch in positions(sampler(epoch))} for epoch in range(2))
    assert len(first & second) < 0.1 * len(first)
    longest = [LENGTHS[batch].max() for batch in positions(sampler())]
    assert longest != sorted(longest)


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    assert positions(sampler(epoch=3)) == positions(sampler(epoch=3))
    assert positions(sampler(epoch=3)) != positions(sampler(epoch=3, seed=1))


def test_an_epoch_that_was_set_is_as_one_from_the_start() -> None:
    resumed = sampler(epoch=0)
    resumed.set_epoch(3)
    assert list(resumed) == list(sampler(epoch=3))
    assert {epoch for batch in resumed for _, epoch in batch} == {3}


def test_without_a_seed_the_order_is_by_length() -> None:
    assert positions(sampler(seed=None, lengths=[3.0, 1.0, 2.0, 9.0], max_batch_seconds=6.0)) == [
        [1, 2],
        [0],
        [3],
    ]


@pytest.mark.parametrize("seed", [0, None])
def test_an_utterance_over_the_budget_is_a_batch_alone(seed: int | None) -> None:
    batches = positions(sampler(seed=seed, lengths=[1.0] * 10 + [100.0, 90.0]))
    assert [batch for batch in batches if max(batch) >= 10] in ([[10], [11]], [[11], [10]])


def test_a_batch_has_at_most_its_maximum_size() -> None:
    sizes = [len(batch) for batch in positions(sampler(max_batch_size=4))]
    assert max(sizes) == 4
    assert sum(sizes) == 3000


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
    """data/features of the tone corpus, with one copy of the training split."""
    params = read_params(RECIPE)
    from_tones = params.manifest.model_copy(update={"corpora": [TONES]})
    with_a_copy = params.features.model_copy(update={"copies": [SPEED]})
    params = params.model_copy(update={"manifest": from_tones, "features": with_a_copy})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("project"))
        Path(params.manifest.root).mkdir(parents=True)
        manifest.run(params, Inputs([]))
        features.run(params, Inputs([]))
        yield Path("data/features").absolute()


class Noise(Augmentation):
    """Adds what the generator draws, so that every augmented value is another one."""

    def apply(self, values: Values, generator: np.random.Generator) -> Values:
        return values + generator.normal(size=values.shape).astype(np.float32)


def dataset(folder: Path, split: str = "train", augment: bool = True, seed: int = 0) -> FeatureDataset:
    return FeatureDataset(folder / split, tone_tokens(), [Noise(), SpecAugment()] if augment else [], seed)


def by_id(batches: list[Batch]) -> dict[tuple[str, int], torch.Tensor]:
    """Each utterance's features, its copy told by its length."""
    return {
        (name, int(length)): features[:length]
        for batch in batches
        for name, length, features in zip(batch.ids, batch.feature_lengths, batch.features, strict=True)
    }


def same(first: dict[Any, torch.Tensor], second: dict[Any, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(first[key].equal(second[key]) for key in first)


def test_items_are_sorted_by_id_and_copy(folder: Path) -> None:
    found = dataset(folder)
    keys = list(zip(found.ids, found.copies, strict=True))
    assert len(found) == 24
    assert keys == sorted(keys)
    assert found.seconds[1] == pytest.approx(found.seconds[0] / 2, abs=0.02)


def test_an_item_has_the_features_and_the_transcript_of_its_utterance(folder: Path) -> None:
    item = dataset(folder, augment=False)[0, 0]
    assert item.values.shape == (dataset(folder).num_frames[0], 80)
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
    assert len({round(float(value), 4) for value in drawn}) == 4


def test_augmentation_does_not_depend_on_which_other_utterances_there_are(folder: Path) -> None:
    whole, part = dataset(folder), dataset(folder)
    part.keep([5, 8])
    assert part.ids == [whole.ids[5], whole.ids[8]]
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


def data_module(folder: Path) -> DataModule:
    return DataModule(
        dataset(folder),
        FeatureDataset(folder / "validation", tone_tokens()),
        seed=0, max_batch_seconds=6.0, max_batch_size=None, num_workers=0,
    )  # fmt: skip


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


def test_a_folder_without_features_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"index\.parquet: no such file; run the features stage"):
        FeatureDataset(tmp_path, tone_tokens())
