"""What training and evaluation refuse to read: shards that do not match their index."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from features_project import COPIES, LOG_MEL, OUTPUT, Extract, five_tones

from stages.batching.feature_dataset import FeatureDataset
from stages.tokens.characters import Characters

TRAIN = OUTPUT / "train"


pytestmark = pytest.mark.usefixtures("small_shards")


def read() -> FeatureDataset:
    tokens = Characters()
    tokens.fit(["GO"])
    return FeatureDataset(TRAIN, tokens)


def shard() -> Path:
    return min(TRAIN.glob("[0-9]*.parquet"))


def test_a_folder_without_features_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"index\.parquet: no such file; run the features stage"):
        read()


def test_utterances_of_which_the_shard_is_gone_are_missed(extract: Extract) -> None:
    extract(five_tones(), copies=COPIES)
    assert len(read()) == 5 * 3
    shard().unlink()
    with pytest.raises(
        ValueError, match=r"train: missing or extra shards.*tone-\d, for instance, has 0; run"
    ):
        read()


def test_a_shard_that_lacks_rows_is_missed_too(extract: Extract) -> None:
    extract(five_tones(), copies=COPIES)
    with pq.ParquetFile(shard()) as found:
        rows = found.read()
    some = rows.slice(0, len(rows) - 1)
    pq.write_table(some, shard(), compression="none", use_dictionary=False)
    with pytest.raises(ValueError, match=r"have 14 rows, its index 5 utterances of 3 rows.* has 2"):
        read()


def test_a_shard_too_many_does_not_count_its_utterances_twice(extract: Extract) -> None:
    extract(five_tones())
    shutil.copy(shard(), TRAIN / "0009.parquet")
    with pytest.raises(ValueError, match=r"missing or extra shards.*for instance, has 2"):
        read()


def test_a_shard_of_other_features_is_named(extract: Extract, tmp_path: Path) -> None:
    extract(five_tones(), frontend=LOG_MEL)
    shutil.copy(shard(), tmp_path / "other")
    extract(five_tones(), frontend=LOG_MEL | {"init_args": {"num_mels": 8, "normalize": False}})
    shutil.copy(tmp_path / "other", shard())
    with pytest.raises(ValueError, match=r"\.parquet: its features differ from index\.parquet next to it"):
        read()


def test_a_shard_that_is_laid_out_otherwise_is_named(extract: Extract) -> None:
    extract(five_tones())
    pq.write_table(pq.read_table(shard()), shard(), compression="zstd")
    with pytest.raises(ValueError, match=r"\.parquet: not the features stage's layout"):
        read()


def test_an_index_without_shards_and_shards_of_others_are_named(extract: Extract) -> None:
    extract(five_tones())
    index = TRAIN / "index.parquet"
    pq.write_table(pq.read_table(index).slice(1), index)
    with pytest.raises(ValueError, match=r"train: its shards have utterances that its index lacks; run the"):
        read()
    for path in TRAIN.glob("[0-9]*.parquet"):
        path.unlink()
    with pytest.raises(ValueError, match=r"train: no feature shards; run the features stage"):
        read()
