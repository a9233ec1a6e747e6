"""The features stage on small recordings: what the shards hold, and what is extracted again.

N samples, T frames.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from stages import features
from stages.corpora.recording import inspect_recording
from stages.frontends.log_mel import LogMel
from stages.program.inputs import Inputs
from stages.schema.feature_table import FeatureMetadata, read_metadata
from stages.schema.manifest_row import ManifestRow, write_rows
from stages.schema.part import Part
from stages.schema.reading import read_params

MANIFEST, OUTPUT, SCRATCH = Path("data/manifest"), Path("data/features"), Path(".scratch/features")
SPLITS = ("train", "validation", "test")
WAVEFORM = {"class_path": "stages.frontends.waveform.Waveform"}
LOG_MEL = {"class_path": "stages.frontends.log_mel.LogMel", "init_args": {"num_mels": 8}}
COPIES = [
    {"class_path": "stages.augment.speed.Speed", "init_args": {"factor": factor}} for factor in (0.5, 2.0)
]

Samples = np.ndarray[Any, np.dtype[np.float32]]
Row = dict[str, Any]
Extract = Callable[..., None]


@pytest.fixture
def extract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_params: Callable[..., Path]) -> Extract:
    """Runs the stage on training rows; keywords are values under ``features``, waveforms the default."""
    monkeypatch.chdir(tmp_path)
    MANIFEST.mkdir(parents=True)

    def run_stage(rows: list[ManifestRow], **settings: Any) -> None:
        write_rows(MANIFEST / "train.json", rows)
        for split in ("validation", "test"):
            write_rows(MANIFEST / f"{split}.json", [recorded(split, tone(800))])
        values = {"frontend": WAVEFORM, **settings}
        params = read_params(write_params({f"features.{key}": value for key, value in values.items()}))
        features.run(params, Inputs([]))

    return run_stage


def tone(num_samples: int, hertz: float = 440.0, sample_rate: int = 16000) -> Samples:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(num_samples) / sample_rate)).astype(np.float32)


def recorded(name: str, samples: Samples, sample_rate: int = 16000, **more: Any) -> ManifestRow:
    """A row, and its recording beside the manifest."""
    path = MANIFEST / f"{name}.wav"
    soundfile.write(path, samples, sample_rate, subtype="PCM_16")
    found = inspect_recording(path)
    values = {"duration": found.duration_seconds, "text": "GO", **more}
    return ManifestRow(id=name, audio_filepath=path.name, audio_sha256=found.sha256, **values)


def give_everywhere(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on LogMel gives one value in every frame."""
    monkeypatch.setattr(
        LogMel, "forward", lambda _, waveforms, lengths: (waveforms[..., None] * 0 + value, lengths)
    )


def stored(split: str = "train") -> dict[tuple[str, int], Row]:
    """Rows of a split's shards, by id and copy."""
    shards = [path for path in (OUTPUT / split).glob("*.parquet") if path.name != "index.parquet"]
    rows = [row for path in shards for row in pq.read_table(path, partitioning=None).to_pylist()]
    return {(row["id"], row["copy"]): row for row in rows}


def samples_of(name: str) -> Samples:
    """The waveform that was cached, in [-1, 1]."""
    return np.frombuffer(stored()[name, 0]["values"], np.int16).astype(np.float32) / 32767


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


def test_a_waveform_is_kept_to_16_bits(extract: Extract) -> None:
    extract([recorded("a", np.array([0.0, 0.5, -0.25, -1.0], np.float32))])
    row = stored()["a", 0]
    assert row["num_frames"] == 4
    assert np.frombuffer(row["values"], np.int16).tolist() == [0, 16384, -8192, -32767]


def test_log_mel_is_kept_as_16_bit_floats(extract: Extract) -> None:
    extract([recorded("a", tone(1600))], frontend=LOG_MEL)
    row = stored()["a", 0]
    assert row["num_frames"] == 11
    values = np.frombuffer(row["values"], np.float16).reshape(11, 8)
    np.testing.assert_allclose(values.mean(axis=0, dtype=np.float32), 0.0, atol=1e-3)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100])
def test_recordings_of_any_rate_become_features_of_one(extract: Extract, sample_rate: int) -> None:
    extract([recorded("a", tone(sample_rate // 2, sample_rate=sample_rate), sample_rate)])
    samples = samples_of("a")
    assert len(samples) == 8000
    np.testing.assert_allclose(samples[500:-500], tone(8000)[500:-500], atol=1e-3)


def test_stereo_becomes_the_mean_of_its_channels(extract: Extract) -> None:
    left, right = tone(800, 300.0), tone(800, 700.0)
    extract([recorded("a", np.stack([left, right], axis=1))])
    np.testing.assert_allclose(samples_of("a"), (left + right) / 2, atol=2 / 32767)


def test_a_row_is_its_own_part_of_the_recording(extract: Extract) -> None:
    samples = tone(16000, 3.0)
    extract([recorded("a", samples, offset=0.25, duration=0.5)])
    np.testing.assert_allclose(samples_of("a"), samples[4000:12000], atol=2 / 32767)


def test_only_training_has_copies(extract: Extract) -> None:
    extract([recorded("a", tone(800))], copies=COPIES)
    assert {key: row["num_frames"] for key, row in stored().items()} == {
        ("a", 0): 800,
        ("a", 1): 1600,
        ("a", 2): 400,
    }
    assert set(stored("validation")) == {("validation", 0)}
    assert set(stored("test")) == {("test", 0)}


def test_every_shard_says_what_it_holds(extract: Extract) -> None:
    extract([recorded("a", tone(800))], frontend=LOG_MEL, sample_rate=8000)
    expected = FeatureMetadata(
        frontend=Part(**LOG_MEL), sample_rate=8000, feature_size=8, frame_shift_seconds=0.01,
        domain="features", dtype="float16",
    )  # fmt: skip
    assert all(read_metadata(OUTPUT / split) == expected for split in SPLITS)
    held = [pq.read_schema(path).metadata[b"earshot"] for path in OUTPUT.rglob("*.parquet")]
    assert {FeatureMetadata.model_validate_json(metadata) == expected for metadata in held} == {True}


def test_the_index_has_the_transcripts_in_the_order_of_ids(extract: Extract) -> None:
    extract([recorded("b", tone(800), text="Go", speaker="s"), recorded("a", tone(800), text="Non")])
    rows = pq.read_table(OUTPUT / "train" / "index.parquet").to_pylist()
    assert rows == [
        {"id": "a", "text": "Non", "speaker": None, "language": None, "duration": 0.05},
        {"id": "b", "text": "Go", "speaker": "s", "language": None, "duration": 0.05},
    ]


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
    monkeypatch.setattr(features, "version", "of {}".format)
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
