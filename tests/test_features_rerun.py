"""What the features stage extracts again and what it keeps, and the utterance that an error names."""

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from distributed import LocalCluster
from features_project import (
    COPIES,
    LOG_MEL,
    OUTPUT,
    SCRATCH,
    Extract,
    Row,
    five_tones,
    give_everywhere,
    recorded,
    tone,
)

from stages.shards import shard_recipe

pytestmark = pytest.mark.usefixtures("small_shards")


def shard_of(name: str) -> str:
    """The file name of the shard that holds an utterance."""
    return next(
        shard for shard in inodes() if name in pq.read_table(OUTPUT / "train" / shard)["id"].to_pylist()
    )


def inodes() -> dict[str, int]:
    """The files of the training split with their inodes, shared with the scratch files that they link to."""
    return {path.name: path.stat().st_ino for path in (OUTPUT / "train").glob("[0-9]*")}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


def test_the_same_recordings_give_the_same_bytes(extract: Extract) -> None:
    extract(five_tones(), frontend=LOG_MEL, copies=COPIES)
    before = contents(OUTPUT)
    shutil.rmtree(SCRATCH)
    extract(five_tones()[::-1], frontend=LOG_MEL, copies=COPIES)
    assert contents(OUTPUT) == before


def test_processes_here_and_on_a_dask_cluster_give_the_same_bytes(extract: Extract) -> None:
    rows = [recorded(f"tone-{number}", tone(1600 + 10 * number, 300.0 + number)) for number in range(100)]
    extract(rows, frontend=LOG_MEL, copies=COPIES, executor={"num_processes": 1})
    before = contents(OUTPUT)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        for executor in ({"num_processes": 2}, {"dask_scheduler": cluster.scheduler_address}):
            shutil.rmtree(SCRATCH)
            extract(rows[::-1], frontend=LOG_MEL, copies=COPIES, executor=executor)
            assert contents(OUTPUT) == before


def test_a_stopped_run_extracts_only_what_is_missing(extract: Extract) -> None:
    extract(five_tones())
    before, lost = inodes(), shard_of("tone-2")
    next(path for path in SCRATCH.iterdir() if path.stat().st_ino == before[lost]).unlink()
    extract(five_tones())
    assert {name for name, inode in inodes().items() if inode != before[name]} == {lost}


def test_correcting_a_transcript_extracts_nothing(extract: Extract) -> None:
    extract(five_tones())
    before = inodes()
    extract([row.model_copy(update={"text": "STOP"}) for row in five_tones()])
    assert inodes() == before
    assert set(pq.read_table(OUTPUT / "train" / "index.parquet")["text"].to_pylist()) == {"STOP"}


def test_a_changed_recording_costs_one_shard(extract: Extract) -> None:
    extract(five_tones())
    before = inodes()
    extract([*five_tones()[:4], recorded("tone-4", tone(1600, 90.0))])
    assert {name for name, inode in inodes().items() if inode != before[name]} == {shard_of("tone-4")}


@pytest.mark.parametrize(
    "settings",
    [{"frontend": LOG_MEL}, {"sample_rate": 8000}, {"copies": COPIES}],
    ids=lambda s: next(iter(s)),
)
def test_other_settings_extract_everything(extract: Extract, settings: Row) -> None:
    extract(five_tones())
    before = inodes()
    extract(five_tones(), **settings)
    assert not set(inodes().values()) & set(before.values())


def test_other_versions_of_the_libraries_extract_everything(
    extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract(five_tones())
    before = inodes()
    with monkeypatch.context() as patch:
        patch.setattr(shard_recipe, "version", "of {}".format)
        shard_recipe._made_by.cache_clear()
        extract(five_tones())
    shard_recipe._made_by.cache_clear()
    assert not set(inodes().values()) & set(before.values())


def test_a_shard_is_on_the_disk_before_it_has_its_name(
    extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = set()

    def sync(file: int) -> None:
        named = {path.stat().st_ino for path in SCRATCH.glob("*.parquet")}
        synced.update({os.fstat(file).st_ino} - named)

    monkeypatch.setattr(os, "fsync", sync)
    extract(five_tones())
    assert synced >= set(inodes().values())


def test_a_failed_run_leaves_the_finished_features_as_they_were(
    extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract(five_tones())
    before = contents(OUTPUT)
    give_everywhere(float("nan"), monkeypatch)
    with pytest.raises(ValueError, match="NaN"):
        extract(five_tones(), frontend=LOG_MEL)
    assert contents(OUTPUT) == before


def test_a_corrected_offset_gives_other_features_of_the_same_recording(extract: Extract) -> None:
    low, high = tone(1600, 300.0), tone(1600, 900.0)
    whole = recorded("a", np.concatenate([low, high]))
    for offset, expected in ((0.0, low), (0.1, high)):
        extract([whole.model_copy(update={"offset": offset, "duration": 0.1})])
        found = np.frombuffer(stored_values("a"), np.int16) / 32767
        np.testing.assert_allclose(found, expected, atol=2 / 32767)


def test_a_corrected_duration_gives_longer_features_of_the_same_recording(extract: Extract) -> None:
    whole = recorded("a", tone(3200))
    for duration, num_samples in ((0.1, 1600), (0.2, 3200)):
        extract([whole.model_copy(update={"duration": duration})])
        assert len(stored_values("a")) == 2 * num_samples


def stored_values(name: str) -> bytes:
    """The cached 16-bit samples of an utterance."""
    (row,) = (
        row
        for row in pq.read_table(OUTPUT / "train" / shard_of(name), partitioning=None).to_pylist()
        if row["id"] == name
    )
    values: bytes = row["values"]
    return values
