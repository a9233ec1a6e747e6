"""The parts of making a shard, one by one: numbers, keys, files and checks."""

import hashlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_shards import FRONTEND, METADATA

from stages.schema.feature_table import FeatureMetadata, read_shard
from stages.schema.manifest_row import ManifestRow, write_rows
from stages.shards import division, extract, manifest_table, shard_writer
from stages.shards.division import shard_numbers
from stages.shards.manifest_table import read_manifest_table
from stages.shards.shard_job import ShardJob, content_key
from stages.shards.shard_recipe import ShardRecipe, made_by
from stages.shards.shard_writer import ShardWriter, forget_partial
from stages.shards.verification import verify, verify_files, verify_still

RECIPE = ShardRecipe(METADATA, [], "of the recipe")
AUDIO = {"id": "a", "audio_filepath": "a.wav", "offset": 0.5, "duration": 2.0, "audio_sha256": "0" * 64}


@pytest.mark.parametrize("chunk", [1, 2, 10_000])
def test_the_number_of_a_shard_is_the_first_bits_of_its_ids_hash(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(division, "CHUNK", chunk)
    ids = ["a", "b", "caf\u00e9", "d", "e"]
    hashes = [hashlib.sha256(name.encode()).hexdigest() for name in ids]
    column = pa.chunked_array([ids[:2], ids[2:]])
    assert shard_numbers(column, 8).tolist() == [int(found[:2], 16) for found in hashes]
    assert shard_numbers(column, 12).tolist() == [int(found[:3], 16) for found in hashes]


@pytest.mark.parametrize("column", ["id", "offset", "duration", "audio_sha256"])
def test_whatever_decides_the_sound_of_a_row_is_in_the_key_of_its_shard(column: str) -> None:
    other = {"id": "b", "offset": 0.25, "duration": 1.0, "audio_sha256": "1" * 64}
    before, after = (pa.Table.from_pylist([row]) for row in (AUDIO, {**AUDIO, column: other[column]}))
    assert content_key(before, RECIPE) != content_key(after, RECIPE)


def test_where_a_recording_lies_is_no_part_of_the_key_but_the_recipe_is() -> None:
    rows, moved = (pa.Table.from_pylist([{**AUDIO, "audio_filepath": path}]) for path in ("a.wav", "b.wav"))
    assert content_key(rows, RECIPE) == content_key(moved, RECIPE)
    assert content_key(rows, RECIPE) != content_key(rows, ShardRecipe(METADATA, [], "another"))
    assert len(content_key(rows, RECIPE)) == 32


@pytest.mark.parametrize("chunk", [1, 2, 3, 10_000])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1)])
def test_a_manifest_is_read_in_the_order_of_its_ids(
    order: Sequence[int], chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest_table, "CHUNK", chunk)
    rows = [ManifestRow(**{**AUDIO, "id": f"u{number}", "text": f"text {number}"}) for number in order]
    write_rows(tmp_path / "train.json", rows)
    found = read_manifest_table(tmp_path / "train.json")
    assert found["id"].to_pylist() == ["u0", "u1", "u2"]
    assert found["text"].to_pylist() == ["text 0", "text 1", "text 2"]
    assert found.select(["offset", "duration", "audio_sha256"]).to_pylist()[0] == {
        name: AUDIO[name] for name in ("offset", "duration", "audio_sha256")
    }
    write_rows(tmp_path / "none.json", [])
    assert len(read_manifest_table(tmp_path / "none.json")) == 0


def stored(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, np.int16)[:, None]


@pytest.mark.parametrize(
    ("rows", "num_bytes", "groups"), [(2, 1000, [2, 2, 1]), (9, 8, [2, 1, 2]), (9, 1000, [5])]
)
def test_a_row_group_ends_with_its_rows_or_its_bytes(
    rows: int, num_bytes: int, groups: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_writer, "GROUP_ROWS", rows)
    monkeypatch.setattr(shard_writer, "GROUP_BYTES", num_bytes)
    values = [stored(1, 2), stored(3, 4), stored(5, 6, 7, 8), stored(9), stored(10, 11, 12)]
    with ShardWriter(tmp_path / "0.parquet", METADATA) as writer:
        for number, of in enumerate(values):
            writer.add(f"u{number}", number, of)
    assert writer.num_rows == 5
    with pq.ParquetFile(tmp_path / "0.parquet") as file:
        counts = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        found = file.read().to_pylist()
    assert counts == groups
    assert [(row["id"], row["copy"], row["num_frames"]) for row in found] == [
        ("u0", 0, 2), ("u1", 1, 2), ("u2", 2, 4), ("u3", 3, 1), ("u4", 4, 3),
    ]  # fmt: skip
    assert [np.frombuffer(row["values"], np.int16).tolist() for row in found] == [
        of[:, 0].tolist() for of in values
    ]
    _, places = read_shard(tmp_path / "0.parquet", METADATA)
    assert [
        np.fromfile(tmp_path / "0.parquet", np.int16, len(of), offset=int(place)).tolist()
        for of, place in zip(values, places, strict=True)
    ] == [of[:, 0].tolist() for of in values]


def test_a_shard_that_fails_leaves_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "0.parquet"
    path.write_bytes(b"before")

    def fails() -> None:
        with ShardWriter(path, METADATA) as writer:
            writer.add("a", 0, stored(1))
            assert [found.name for found in tmp_path.glob("*.partial")] == [
                f"0.parquet.{socket.gethostname()}-{os.getpid()}.partial"
            ]
            raise KeyError("a")

    with pytest.raises(KeyError):
        fails()
    assert [found.name for found in tmp_path.iterdir()] == ["0.parquet"]
    assert path.read_bytes() == b"before"


def test_what_killed_processes_were_at_is_named_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(process: int, number: int) -> None:
        assert number == 0  # only checked
        if process in (11, 12):
            raise {11: ProcessLookupError, 12: PermissionError}[process]

    monkeypatch.setattr(os, "kill", kill)
    here = socket.gethostname()
    for name in (
        f"a.parquet.{here}-11",
        f"b.parquet.{here}-12",
        f"c.parquet.{here}-13",
        f"d.parquet.x{here}-11",
    ):
        (tmp_path / f"{name}.partial").write_bytes(b"half")
    assert forget_partial(tmp_path) == {tmp_path / "a.parquet"}
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["b", "c", "d"]


FEATURES = METADATA.model_copy(update={"dtype": "float16"})


@pytest.mark.parametrize(
    ("values", "metadata", "kept"),
    [
        ([0.0, 0.5, -1.0, 1.0], METADATA, [0, 16384, -32767, 32767]),  # 16383.5 rounds to even
        ([1.5, -7.0, 0.9999], METADATA, [32767, -32767, 32764]),  # values beyond [-1, 1] are clipped
        ([65504.0, -65504.0, 0.25], FEATURES, [65504.0, -65504.0, 0.25]),
    ],
)
def test_values_are_kept_in_16_bits(
    values: list[float], metadata: FeatureMetadata, kept: list[float]
) -> None:
    found = extract._stored("a", np.array(values, np.float32), metadata)
    assert (found.dtype, found.tolist()) == (np.dtype(metadata.dtype), kept)


@pytest.mark.parametrize("value", [65505.0, -65505.0, float("nan"), float("inf")])
def test_values_beyond_16_bits_are_refused(value: float) -> None:
    with pytest.raises(
        ValueError, match=rf"utterance a: {FRONTEND.class_path} returned NaN, or values too large"
    ):
        extract._stored("a", np.array([0.0, value], np.float32), FEATURES)


@pytest.fixture
def row(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "a.wav").write_bytes(b"one")
    return {**AUDIO, "audio_sha256": hashlib.sha256(b"one").hexdigest()}


def test_a_recording_has_a_stamp_that_changes_when_it_is_written(row: dict[str, Any], tmp_path: Path) -> None:
    stamp = verify(row, tmp_path)
    assert verify_still(row, tmp_path, stamp) == stamp
    os.utime(tmp_path / "a.wav", (1, 1))
    touched = verify_still(row, tmp_path, stamp)
    assert touched == verify(row, tmp_path) != stamp
    (tmp_path / "a.wav").write_bytes(b"another")
    with pytest.raises(ValueError, match=r"\Autterance a: data/manifest/a\.wav changed since the manifest"):
        verify_still(row, tmp_path, stamp)
    (tmp_path / "a.wav").unlink()
    for check in (verify, lambda *given: verify_still(*given, stamp)):
        with pytest.raises(ValueError, match=r"\Autterance a: data/manifest/a\.wav: No such file"):
            check(row, tmp_path)


def test_files_are_verified_together(row: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "b.wav").write_bytes(b"one")
    rows = pa.Table.from_pylist([row, {**row, "id": "b", "audio_filepath": "b.wav"}])
    found = verify_files(rows, tmp_path)
    assert found == {"a.wav": verify(row, tmp_path), "b.wav": verify(rows.to_pylist()[1], tmp_path)}
    assert verify_files(rows.slice(0, 0), tmp_path) == {}


def shard_job(rows: list[dict[str, Any]], folder: Path) -> ShardJob:
    table = pa.Table.from_pylist([{**row, "stamp": None} for row in rows])
    return ShardJob(folder / "0.parquet", table, folder, RECIPE, made_by(RECIPE.metadata, RECIPE.copies))


def test_a_recording_that_cannot_be_read_is_named(row: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\Autterance a: data/manifest/a\.wav: not readable as audio"):
        extract.extract(shard_job([row], tmp_path))
    assert not (tmp_path / "0.parquet").exists()


def test_running_out_of_memory_says_what_to_lower(
    row: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *_: float) -> None:
        raise MemoryError

    monkeypatch.setattr(extract, "read_span", fail)
    expected = r"out of memory in a shard of 1 utterances, first a: lower features\.executor\.num_processes"
    with pytest.raises(ValueError, match=expected):
        extract.extract(shard_job([row], tmp_path))
