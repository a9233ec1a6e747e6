"""What the features stage extracts again and what it keeps, and the utterance that it names when it fails."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from features_project import COPIES, LOG_MEL, MANIFEST, OUTPUT, Extract, Row, features_stage, recorded, tone

from stages.frontends.log_mel import LogMel
from stages.schema.manifest_row import ManifestRow
from stages.shards import division, shard_job

SCRATCH = Path(".scratch/features")


@pytest.fixture
def extract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_params: Callable[..., Path]) -> Extract:
    monkeypatch.setattr(division, "UTTERANCES_PER_SHARD", 1)
    return features_stage(tmp_path, monkeypatch, write_params)


def give_everywhere(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on LogMel gives one value in every frame."""
    monkeypatch.setattr(
        LogMel, "forward", lambda _, waveforms, lengths: (waveforms[..., None] * 0 + value, lengths)
    )


def shard_of(name: str) -> str:
    """The file name of the shard that holds an utterance."""
    return next(
        shard for shard in inodes() if name in pq.read_table(OUTPUT / "train" / shard)["id"].to_pylist()
    )


def inodes() -> dict[str, int]:
    """The files of the training split, each as the scratch file that it is a link to."""
    return {path.name: path.stat().st_ino for path in (OUTPUT / "train").glob("[0-9]*")}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


def five_tones() -> list[ManifestRow]:
    return [recorded(f"tone-{number}", tone(1600, 300.0 + 50 * number)) for number in range(5)]


@pytest.mark.parametrize("num_processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_same_recordings_give_the_same_bytes(extract: Extract, num_processes: int) -> None:
    extract(five_tones(), frontend=LOG_MEL, copies=COPIES)
    before = contents(OUTPUT)
    shutil.rmtree(SCRATCH)
    executor = {"num_processes": num_processes}
    extract(five_tones()[::-1], frontend=LOG_MEL, copies=COPIES, executor=executor)
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
    monkeypatch.setattr(shard_job, "version", "of {}".format)
    shard_job.made_by.cache_clear()
    extract(five_tones())
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


@pytest.mark.parametrize(("content", "problem"), [(b"RIFF", " changed since"), (None, ": No such file")])
def test_a_changed_or_lost_recording_is_named(extract: Extract, content: bytes | None, problem: str) -> None:
    rows, path = five_tones(), MANIFEST / "tone-3.wav"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"utterance tone-3: data/manifest/tone-3\.wav{problem}"):
        extract(rows)


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_an_utterance_with_values_that_cannot_be_kept_is_named(
    extract: Extract, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    give_everywhere(value, monkeypatch)
    with pytest.raises(ValueError, match=r"utterance \w+: .*\.LogMel gave NaN, or values too large"):
        extract([recorded("a", tone(800))], frontend=LOG_MEL)


def test_an_utterance_of_which_no_sample_is_left_is_named(extract: Extract) -> None:
    with pytest.raises(ValueError, match="utterance a: shorter than one sample"):
        extract([recorded("a", tone(1), sample_rate=44100)])
