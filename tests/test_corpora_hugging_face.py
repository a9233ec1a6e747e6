"""Saved datasets of Hugging Face's library: audio within them and beside them, and what is wrong."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from manifest_project import ROOT, Run, manifest_stage, rows_of

from stages.corpora.corpus import Utterance
from stages.corpora.hugging_face import HuggingFace

datasets = pytest.importorskip("datasets", reason="needs the extra hugging-face")

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
CORPUS = {"class_path": "stages.corpora.hugging_face.HuggingFace"}


def tone(
    hertz: float, audio_format: str = "FLAC", rate: int = 16000, channels: int = 1, seconds: float = 0.5
) -> bytes:
    content = io.BytesIO()
    samples = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    soundfile.write(content, np.stack([samples] * channels, 1), rate, format=audio_format)
    return content.getvalue()


def as_wav(content: bytes) -> bytes:
    """The same samples of 16 bits in another container."""
    samples, rate = soundfile.read(io.BytesIO(content), dtype="int16")
    copy = io.BytesIO()
    soundfile.write(copy, samples, rate, format="WAV")
    return copy.getvalue()


def dataset(contents: list[bytes | None], paths: list[str | None] | None = None, **columns: list[Any]) -> Any:
    """A dataset as its files have it; made from Arrow, as making one from recordings needs torchcodec."""
    paths = paths or [f"{number}.flac" for number in range(len(contents))]
    audio = [
        None if content is None else {"bytes": content, "path": path}
        for content, path in zip(contents, paths, strict=True)
    ]
    columns = {"text": [f"TEXT {number}" for number in range(len(contents))], **columns}
    table = pa.table({"audio": pa.array(audio, AUDIO), **columns})
    features = datasets.Features.from_arrow_schema(table.schema)
    info = datasets.DatasetInfo(features=datasets.Features({**features, "audio": datasets.Audio()}))
    return datasets.Dataset(datasets.table.InMemoryTable(table), info=info)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_params: Callable[..., Path]) -> Run:
    return manifest_stage(tmp_path, monkeypatch, write_params)


def save(parts: dict[str, Any], folder: Path = ROOT) -> None:
    datasets.DatasetDict(parts).save_to_disk(str(folder))


def three_splits() -> dict[str, Any]:
    return {
        name: dataset([tone(hertz)]) for name, hertz in (("train", 400), ("validation", 500), ("test", 600))
    }


def read(root: Path, **arguments: Any) -> list[Utterance]:
    return list(HuggingFace(**arguments).utterances(root, root / "unused", seed=0))


def decoded(row: dict[str, Any]) -> np.ndarray[Any, Any]:
    path = Path("data/manifest") / row["audio_filepath"]
    rate = soundfile.info(path).samplerate
    start, length = round(row["offset"] * rate), round(row["duration"] * rate)
    samples: np.ndarray[Any, Any] = soundfile.read(path, length, start, dtype="int16")[0]
    return samples


def test_audio_within_the_dataset_becomes_flac_of_many_utterances_without_a_loss(run: Run) -> None:
    contents = [tone(hertz) for hertz in (440, 550, 660)]
    save({**three_splits(), "train": dataset(contents, speaker_id=[7, 7, 8])})
    run([], corpora=[CORPUS])
    rows = rows_of("train")
    assert [(row["id"], row["speaker"]) for row in rows] == [
        ("train/0.flac", "7"), ("train/1.flac", "7"), ("train/2.flac", "8"),
    ]  # fmt: skip
    assert {row["audio_filepath"] for row in rows} == {"audio/0/train/00000.flac"}
    for row, content in zip(rows, contents, strict=True):
        assert np.array_equal(decoded(row), soundfile.read(io.BytesIO(content), dtype="int16")[0])


def test_files_hold_one_sampling_rate_and_number_of_channels(run: Run) -> None:
    contents = [tone(440), tone(450, "MP3", 44100), tone(460), tone(470, "WAV", channels=2)]
    save({**three_splits(), "train": dataset(contents)})
    run([], corpora=[CORPUS], max_rejected=0.0)
    files = {row["id"]: Path("data/manifest") / row["audio_filepath"] for row in rows_of("train")}
    kinds = {
        name: (soundfile.info(path).samplerate, soundfile.info(path).channels) for name, path in files.items()
    }
    assert list(kinds.values()) == [(16000, 1), (44100, 1), (16000, 1), (16000, 2)]
    assert len(set(files.values())) == 3


def test_a_long_recording_in_mp3_is_decoded_as_in_one_go(run: Run) -> None:
    content = tone(440, "MP3", seconds=10.0)
    save({**three_splits(), "train": dataset([content])})
    run([], corpora=[CORPUS])
    whole = soundfile.read(io.BytesIO(content), dtype="float32")[0]
    assert np.abs(decoded(rows_of("train")[0]) / 2**15 - whole).max() < 1 / 2**15


def test_samples_that_are_floats_are_scaled(run: Run) -> None:
    content = io.BytesIO()
    soundfile.write(content, np.array([0.5, -0.25, 1.5, -2.0] * 1000), 16000, format="WAV", subtype="FLOAT")
    save({**three_splits(), "train": dataset([content.getvalue()])})
    run([], corpora=[CORPUS])
    assert decoded(rows_of("train")[0])[:4].tolist() == [16384, -8192, 32767, -32768]


def test_a_damaged_recording_is_a_rejected_row_and_moves_no_other(run: Run) -> None:
    whole = tone(440, "WAV")
    save(
        {
            **three_splits(),
            "train": dataset([tone(450), b"no audio", whole[: len(whole) // 2], b"", tone(460)]),
        }
    )
    run([], corpora=[CORPUS])
    rows = rows_of("train")
    assert [row["id"] for row in rows] == ["train/0.flac", "train/4.flac"]
    assert np.array_equal(decoded(rows[1]), soundfile.read(io.BytesIO(tone(460)), dtype="int16")[0])
    rejected = Path("data/manifest/rejected.json").read_text()
    assert all(f'"id":"train/{number}.flac"' in rejected for number in (1, 2, 3))
    assert "the file is truncated" in rejected


def test_only_what_is_taken_is_written(run: Run) -> None:
    save({**three_splits(), "train": dataset([tone(hertz) for hertz in range(400, 420)])})
    run([], corpora=[{**CORPUS, "limit": {"train": 2}}])
    (path,) = {row["audio_filepath"] for row in rows_of("train")}
    assert soundfile.info(f"data/manifest/{path}").duration == pytest.approx(1.0)


def test_two_runs_write_the_same_bytes(run: Run) -> None:
    save({**three_splits(), "train": dataset([tone(hertz) for hertz in range(400, 420)])})
    outputs = []
    for _ in range(2):
        run([], corpora=[CORPUS])
        paths = sorted(path for path in Path("data/manifest").rglob("*") if path.is_file())
        outputs.append({path: path.read_bytes() for path in paths})
    assert outputs[0] == outputs[1]


def test_the_same_audio_twice_in_a_split_is_found_as_a_duplicate(run: Run) -> None:
    contents = [tone(440), tone(450), as_wav(tone(440)), tone(440)]
    save({**three_splits(), "train": dataset(contents, text=["GO", "NO", "GO", "STOP"])})
    run([], corpora=[CORPUS])
    metrics = json.loads(Path("artifacts/manifest/metrics.json").read_text())
    assert (metrics["duplicates"], metrics["duplicates_with_other_text"]) == (2, 1)


@pytest.mark.parametrize("copy", [tone(400), as_wav(tone(400))], ids=["the file", "its samples"])
@pytest.mark.parametrize("speaker", [None, "A"])
def test_the_same_audio_in_two_splits_stops_the_stage(run: Run, copy: bytes, speaker: str | None) -> None:
    train = dataset([tone(500), tone(400)], speaker_id=[f"{speaker}0"] * 2 if speaker else [None] * 2)
    save({**three_splits(), "train": train, "test": dataset([copy], speaker_id=[speaker])})
    with pytest.raises(ValueError, match=r"the recording of .* 2 such recordings in all"):
        run([], corpora=[CORPUS])
    assert Path("data/manifest.partial/report.html").exists()


def test_the_same_audio_in_another_corpus_stops_the_stage_too(run: Run) -> None:
    save(three_splits(), ROOT / "hub")
    (ROOT / "test.wav").write_bytes(as_wav(tone(400)))
    table = {"class_path": "stages.corpora.table.Table", "init_args": {"path": "manifest.json"}}
    with pytest.raises(ValueError, match=r"\(train/0\.flac in train, test\.wav in test; 1 such recordings"):
        run(
            [{"audio_filepath": "test.wav", "text": "GO", "split": "test"}],
            corpora=[{**CORPUS, "init_args": {"folder": "hub"}}, table],
        )


def test_a_recording_that_unpacks_to_more_than_an_utterance_may_have_is_not_unpacked(run: Run) -> None:
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", 8000, 1, format="FLAC") as file:
        for _ in range(61):
            file.write(np.zeros(8000 * 60, np.int16))
    save({**three_splits(), "train": dataset([tone(400), content.getvalue()])})
    run([], corpora=[CORPUS])
    (row,) = rows_of("rejected")
    assert (row["id"], row["reason"][:27]) == ("train/1.flac", "more audio than fits into m")
    assert sum(path.stat().st_size for path in Path("data/manifest/audio").rglob("*.flac")) < 100_000


def test_recordings_that_are_empty_alike_are_rejected_in_every_split(run: Run) -> None:
    save(
        {
            name: dataset([tone(hertz), b""])
            for name, hertz in (("train", 400), ("validation", 500), ("test", 600))
        }
    )
    run([], corpora=[CORPUS])
    assert Path("data/manifest/rejected.json").read_text().count('"reason":"not readable as audio') == 3


def test_audio_that_is_named_by_its_path_stays_where_it_is(run: Run) -> None:
    table = {"file": ["a.wav"], "said": ["GO"], "nr": [17]}
    names = {"audio": "file", "text": "said", "id": "nr"}
    datasets.Dataset.from_dict(table).save_to_disk(str(ROOT))
    assert read(ROOT, columns=names) == [Utterance("17", Path("a.wav"), "GO")]


def test_a_single_dataset_is_carved_by_speaker(run: Run) -> None:
    contents = [tone(hertz, seconds=0.1) for hertz in range(400, 440)]
    dataset(contents, speaker_id=[f"s{n % 20}" for n in range(40)], text=["A"] * 40).save_to_disk(str(ROOT))
    run([], corpora=[CORPUS], carve={"validation": 0.3, "test": 0.3})
    places = {(row["speaker"], split) for split in ("train", "validation", "test") for row in rows_of(split)}
    assert len(places) == 20
    assert Path("data/manifest/audio/0/test/00000.flac").exists()


def test_where_a_dataset_lies_makes_no_difference_to_carving(tmp_path: Path) -> None:
    made = dataset([tone(400)])
    for name in ("one", "two"):
        made.save_to_disk(str(tmp_path / name))
    assert read(tmp_path / "one")[0] == read(tmp_path / "two")[0]


def test_datasets_that_are_not_named_are_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save({"train.100": dataset([tone(400)]), "other": dataset([tone(500)])}, tmp_path)
    found = read(tmp_path, splits={"train.100": "train"})
    assert [(u.id, u.split) for u in found] == [("train.100/0.flac", "train")]
    assert "'other' is not in init_args.splits: left out" in capsys.readouterr().err


def test_rows_without_audio_or_text_are_left_to_the_manifest_stage(tmp_path: Path) -> None:
    dataset([None, tone(400)], [None, None], text=["GO", None]).save_to_disk(str(tmp_path))
    one, two = read(tmp_path)
    assert (one.id, one.audio) == ("00000000", Path())
    assert (two.id, two.text) == ("00000001", "")


def test_what_is_no_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"empty: Directory .* not found; save the dataset there"):
        read(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"is neither a `Dataset` directory"):
        read(tmp_path)
    dataset([tone(400)]).save_to_disk(str(tmp_path))
    with pytest.raises(
        ValueError, match=r"no column 'sentence', found 'audio', 'text'; name .*columns\.text"
    ):
        read(tmp_path, columns={"text": "sentence"})


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ValueError, match=r"install the extra hugging-face, pip install -c constraints\.txt"):
        read(tmp_path)
