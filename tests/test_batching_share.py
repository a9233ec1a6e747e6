"""Batches of several processes and of resumed trainings, and where batches are split."""

import multiprocessing
import signal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stages.batching import batches as batches_file
from stages.batching.batch import collate
from stages.batching.batches import Batches
from stages.batching.duration_sampler import DurationSampler
from stages.callbacks.lightning_data import LightningData
from stages.program import parents

LENGTHS = np.arange(1.0, 11.0)  # seconds: 1 to 10


def batches(*lengths: float, **limits: Any) -> list[list[int]]:
    """The batches without a seed, as lengths in seconds."""
    sampler = DurationSampler(lengths, **{"max_batch_seconds": 12.0, **limits})
    return [[int(lengths[position]) for position, _ in batch] for batch in sampler]


def test_a_batch_may_be_exactly_as_long_as_the_budget() -> None:
    assert batches(6, 6, 12, 3, 3, 3, 3) == [[3, 3, 3, 3], [6, 6], [12]]
    assert batches(6, 7) == [[6], [7]]
    assert batches(3, 3, 3, 4, 4, 4, max_batch_seconds=12.0) == [[3, 3, 3], [4, 4, 4]]


def test_a_batch_may_have_exactly_its_maximum_size() -> None:
    assert batches(1, 1, 1, 1, 1, max_batch_size=2) == [[1, 1], [1, 1], [1]]
    assert batches(1, 1, 1, max_batch_size=1) == [[1], [1], [1]]


def test_equal_lengths_stay_in_their_order() -> None:
    sampler = DurationSampler([2.0, 1.0, 2.0, 1.0, 2.0], max_batch_seconds=4.0)
    assert [[position for position, _ in batch] for batch in sampler] == [[1, 3], [0, 2], [4]]


def shared(*lengths: float, budget: float, count: int) -> list[list[list[int]]]:
    """The batches of each process, as lengths in seconds."""
    return [batches(*lengths, max_batch_seconds=budget, share=(number, count)) for number in range(count)]


def test_processes_share_every_batch_and_none_is_left_without_an_utterance() -> None:
    assert batches(1, 2, 3, 4, 5, max_batch_seconds=5.0) == [[1, 2], [3], [4], [5]]
    # two processes need batches of two, even if those exceed the budget
    assert shared(1, 2, 3, 4, 5, budget=5.0, count=2) == [[[1], [3, 5]], [[2], [4]]]
    assert shared(1, 2, 3, 4, budget=5.0, count=2) == [[[1], [3]], [[2], [4]]]
    assert shared(1, 2, 3, budget=1.0, count=3) == [[[1]], [[2]], [[3]]]


def test_fewer_utterances_than_processes_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"train\.trainer\.devices: 4 devices share .* has only 3 utterances"
    ):
        DurationSampler([1.0, 2.0, 3.0], 9.0, share=(0, 4))
    assert len(DurationSampler([1.0, 2.0, 3.0], 9.0, share=(0, 3))) == 1


@pytest.mark.parametrize("epoch", [0, 3])
def test_a_resumed_epoch_goes_on_where_it_stopped_and_the_next_one_is_whole(epoch: int) -> None:
    def sampler(**more: int) -> DurationSampler:
        return DurationSampler(LENGTHS, 12.0, seed=1, epoch=epoch, **more)

    whole, resumed = sampler(), sampler(first_batch=2)
    assert len(list(whole)) == len(whole) > 3
    assert list(resumed) == list(whole)[2:]
    for of in (whole, resumed):
        of.set_epoch(epoch + 1)
    assert list(resumed) == list(whole)


def test_shuffled_batches_of_nearly_equal_lengths_stay_in_the_budget_and_fill_it() -> None:
    lengths = np.linspace(1.0, 1.1, 400)
    for seed in range(5):
        sampler = DurationSampler(lengths, 11.0, seed=seed)
        sizes = [len(batch) for batch in sampler]
        assert all(len(batch) * lengths[batch].max() <= 11.0 for batch in sampler.batches(0))
        assert min(sizes) >= 10


class Split(SimpleNamespace):
    """The attributes that a data module needs of a dataset."""

    seconds = LENGTHS


def data_module(trainer: Any = None, first: tuple[int, int] = (0, 0), **more: Any) -> LightningData:
    limits: dict[str, Any] = {"max_batch_seconds": 12.0, "max_batch_size": None, "num_workers": 0}
    data = LightningData(Batches(Split(), Split(), 7, **{**limits, **more}), first)  # type: ignore[arg-type]
    data.trainer = trainer
    return data


def trainer(**values: Any) -> SimpleNamespace:
    return SimpleNamespace(
        **{"current_epoch": 0, "overfit_batches": 0, "global_rank": 0, "world_size": 1, **values}
    )


def sampler_of(data: LightningData) -> Any:
    return data.train_dataloader().batch_sampler


def keys(sampler: Any) -> list[list[tuple[int, int]]]:
    return list(sampler)


def test_training_starts_in_the_epoch_of_the_trainer_or_where_it_is_resumed() -> None:
    def epoch(data: LightningData) -> tuple[int, int]:
        return sampler_of(data).resumed

    assert epoch(data_module()) == (0, 0)
    assert epoch(data_module(trainer(current_epoch=2))) == (2, 0)
    assert epoch(data_module(first=(3, 4))) == (3, 4)
    assert epoch(data_module(trainer(current_epoch=2), first=(2, 4))) == (2, 4)
    assert epoch(data_module(trainer(current_epoch=3), first=(2, 4))) == (3, 0)


def test_training_shuffles_by_the_seed_but_what_it_is_to_overfit() -> None:
    found = keys(sampler_of(data_module(trainer())))
    assert found == keys(DurationSampler(LENGTHS, 12.0, seed=7))
    assert keys(sampler_of(data_module())) == found
    overfit = sampler_of(data_module(trainer(overfit_batches=1)))
    assert keys(overfit) == keys(DurationSampler(LENGTHS, 12.0))


def test_each_process_has_its_share_of_training_and_validation() -> None:
    data = data_module(trainer(global_rank=1, world_size=2), max_batch_size=4)
    limits = {"max_batch_seconds": 12.0, "max_batch_size": 4, "share": (1, 2)}
    assert keys(sampler_of(data)) == keys(DurationSampler(LENGTHS, seed=7, **limits))
    assert keys(data.val_dataloader().batch_sampler) == keys(DurationSampler(LENGTHS, **limits))
    alone = data_module()
    assert keys(alone.val_dataloader().batch_sampler) == keys(DurationSampler(LENGTHS, 12.0))


def test_alone_and_from_the_start_nothing_need_be_said() -> None:
    """As the trial of the largest batches, the export and the evaluation get them."""
    found = data_module().batches
    assert keys(found.train_sampler()) == keys(DurationSampler(LENGTHS, 12.0, seed=7))
    assert found.train_sampler().resumed == (0, 0)
    sampler = found.validation_loader().batch_sampler
    assert keys(sampler) == keys(DurationSampler(LENGTHS, 12.0))
    assert batches_file.loader(Split(), sampler).num_workers == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_workers_stay_from_epoch_to_epoch_where_there_are_any(num_workers: int) -> None:
    found = data_module(num_workers=num_workers).train_dataloader()
    assert found.num_workers == num_workers
    assert found.persistent_workers == (num_workers > 0)
    assert (found.worker_init_fn is not None) == (num_workers > 0)
    assert found.collate_fn is collate
    assert found.generator is not None


def test_lightning_finds_the_sampler_whose_epoch_it_is_to_set() -> None:
    sampler = DurationSampler(LENGTHS, 12.0)
    assert sampler.sampler is sampler


def test_a_worker_ends_with_its_training_and_leaves_signals_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: dict[int, Any] = {}
    asked: list[str] = []
    monkeypatch.setattr(signal, "signal", handled.__setitem__)
    monkeypatch.setattr(parents, "die_with_parent", lambda _: asked.append("to die with its parent"))
    batches_file._start_worker(0)
    assert asked == ["to die with its parent"]
    assert handled == {signal.SIGTERM: signal.SIG_IGN, signal.SIGINT: signal.SIG_IGN}


def test_workers_that_are_left_at_the_end_are_killed_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: dict[int, Any] = {}
    killed: list[int] = []
    left = [SimpleNamespace(kill=lambda number=number: killed.append(number)) for number in (1, 2)]
    monkeypatch.setattr(signal, "signal", handled.__setitem__)
    monkeypatch.setattr(multiprocessing, "active_children", lambda: left)
    batches_file._end_workers()
    assert killed == [1, 2]
    assert handled == {signal.SIGCHLD: signal.SIG_DFL}
