"""A batch on its way to the device."""

import numpy as np
import torch

from stages.batching.batch import Example, collate
from stages.callbacks.lightning_data import LightningData

TENSORS = ("features", "feature_lengths", "targets", "target_lengths")


def test_a_batch_is_moved_with_all_of_its_tensors_and_keeps_the_rest() -> None:
    batch = collate([Example("a", np.ones((3, 2), np.float32), [1, 2], "ab", draw=(7, 1))])
    meta = torch.device("meta")
    for moved in (batch.to(meta), LightningData.transfer_batch_to_device(None, batch, meta, 0)):  # type: ignore[arg-type]
        assert {getattr(moved, name).device for name in TENSORS} == {meta}
        assert [getattr(moved, name).shape for name in TENSORS] == [(1, 3, 2), (1,), (1, 2), (1,)]
        assert (moved.ids, moved.texts, moved.draws) == (["a"], ["ab"], [(7, 1)])
    assert batch.features.device.type == "cpu"


def test_an_example_that_is_not_augmented_has_no_seeds() -> None:
    assert collate([Example("a", np.ones((1, 1), np.float32), [], "")]).draws == [()]


def test_padding_has_the_types_that_models_take() -> None:
    batch = collate([Example("a", np.ones((1, 1), np.float32), [3], "")])
    assert [getattr(batch, name).dtype for name in TENSORS] == [torch.float32, *[torch.int64] * 3]
