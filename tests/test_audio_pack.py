"""Audio in a saved dataset becomes FLAC files of many utterances, whatever its format."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hub_project import CORPUS, as_wav, dataset, save, tone
from manifest_project import ROOT, Run, rows_of


def three_splits() -> dict[str, Any]:
    return {
        name: dataset([tone(hertz)]) for name, hertz in (("train", 400), ("validation", 500), ("test", 600))
    }


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
    twice = tone(440, seconds=0.4567, rate=22050)
    contents = [
        twice,
        *(tone(450 + n, seconds=0.3 + n / 7, rate=22050) for n in range(9)),
        as_wav(twice),
        twice,
    ]
    save({**three_splits(), "train": dataset(contents, text=["GO"] * 11 + ["STOP"])})
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


@pytest.mark.parametrize(
    ("content", "copy"),
    [
        (tone(400), as_wav(tone(400))),
        (tone(400, "MP3"), tone(400, "MP3")),
        (tone(400, subtype="PCM_24"), as_wav(tone(400, subtype="PCM_24"), "PCM_24")),
    ],
    ids=["16 bits", "an MP3", "24 bits"],
)
def test_the_same_audio_in_another_corpus_stops_the_stage_too(run: Run, content: bytes, copy: bytes) -> None:
    save({**three_splits(), "train": dataset([content])}, ROOT / "hub")
    (ROOT / "test.wav").write_bytes(copy)
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
