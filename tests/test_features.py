"""The features stage on small recordings: what the shards hold.

N samples, T frames.
"""

import numpy as np
import pyarrow.parquet as pq
import pytest
from features_project import COPIES, LOG_MEL, OUTPUT, Extract, Row, Samples, recorded, tone

from stages.schema.feature_table import FeatureMetadata, read_metadata
from stages.schema.part import Part
from stages.shards import extract as extraction

SPLITS = ("train", "validation", "test")


def stored(split: str = "train") -> dict[tuple[str, int], Row]:
    """Rows of a split's shards, by id and copy."""
    shards = [path for path in (OUTPUT / split).glob("*.parquet") if path.name != "index.parquet"]
    rows = [row for path in shards for row in pq.read_table(path, partitioning=None).to_pylist()]
    return {(row["id"], row["copy"]): row for row in rows}


def samples_of(name: str) -> Samples:
    """The cached waveform, in [-1, 1]."""
    return np.frombuffer(stored()[name, 0]["values"], np.int16).astype(np.float32) / 32767


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


def test_copies_are_drawn_by_their_numbers_from_1_on(
    extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def generator(utterance: str, number: int) -> np.random.Generator:
        drawn.append((utterance, number))
        return np.random.default_rng(0)

    monkeypatch.setattr(extraction, "copy_generator", generator)
    extract([recorded("a", tone(800))], copies=COPIES)
    assert drawn == [("a", 1), ("a", 2)]


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
    labels = dict.fromkeys(["phonemes", "chord_type", "root", "bass_note"])
    assert rows == [
        {
            "id": "a",
            "text": "Non",
            "speaker": None,
            "language": None,
            "duration": 0.05,
            "repeat": None,
            **labels,
        },
        {
            "id": "b",
            "text": "Go",
            "speaker": "s",
            "language": None,
            "duration": 0.05,
            "repeat": None,
            **labels,
        },
    ]
