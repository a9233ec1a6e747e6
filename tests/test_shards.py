"""Which shard an utterance is in, and what a shard is made from."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import Part
from stages.shards.division import shard_bits, shard_numbers
from stages.shards.shard_recipe import shard_recipe

IDS = pa.chunked_array([[f"utterance-{number}" for number in range(20_000)]])


@pytest.mark.parametrize(
    ("num_utterances", "num_shards"),
    [(0, 1), (255, 1), (256, 2), (948, 4), (1200, 8), (100_000, 512), (10**6, 4096), (10**8, 4096)],
)
def test_shards_are_a_power_of_two_of_128_utterances_or_more(num_utterances: int, num_shards: int) -> None:
    assert 2 ** shard_bits(num_utterances) == num_shards


def test_a_corpus_that_outgrows_its_shards_has_each_split_in_two() -> None:
    np.testing.assert_array_equal(shard_numbers(IDS, 6) // 2, shard_numbers(IDS, 5))


def test_shards_are_of_nearly_one_size() -> None:
    sizes = np.bincount(shard_numbers(IDS, 4), minlength=16)
    assert len(sizes) == 16
    assert sizes.min() > 0.9 * 20_000 / 16


def test_one_shard_holds_everything() -> None:
    assert not shard_numbers(IDS, 0).any()


def test_whatever_copies_may_read_of_the_inputs_counts_for_their_shards(tmp_path: Path) -> None:
    frontend = Part(class_path="stages.frontends.waveform.Waveform")
    metadata = FeatureMetadata(
        frontend=frontend, sample_rate=16000, feature_size=1, frame_shift_seconds=1 / 16000,
        domain="waveform", dtype="int16",
    )  # fmt: skip
    speed = Part(class_path="stages.augment.speed.Speed")  # or one that reads files of its own there
    digests = []
    for content in ("one", "other"):
        (tmp_path / "of_its_own.txt").write_text(content)
        digests.append([shard_recipe(metadata, copies, tmp_path).digest for copies in ([], [speed])])
    assert digests[0][0] == digests[1][0]
    assert digests[0][1] != digests[1][1]
