"""The manifest stage on small folders: what becomes a row, what is rejected and why, what stops it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stages import manifest
from stages.corpora.corpus import Utterance
from stages.program.inputs import Inputs
from stages.schema.manifest_row import read_manifest
from stages.schema.reading import read_params

ROOT = Path("data/raw/corpus")
SPLITS = ("train", "validation", "test")
SAMPLE_RATE = 16000

Row = dict[str, Any]
Run = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_params: Callable[..., Path]) -> Run:
    """Runs the stage on the rows of a table; keywords are values under ``manifest``."""
    monkeypatch.chdir(tmp_path)
    ROOT.mkdir(parents=True)

    def run_stage(rows: list[Row], **settings: Any) -> None:
        (ROOT / "manifest.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
        corpus = {"class_path": "stages.corpora.table.Table", "init_args": {"path": "manifest.json"}}
        values = {"root": str(ROOT), "corpora": [corpus], "max_rejected": 0.5, **settings}
        params = read_params(write_params({f"manifest.{key}": value for key, value in values.items()}))
        manifest.run(params, Inputs([]))

    return run_stage


def recorded(name: str, text: str = "GO", seconds: float = 0.2, **more: Any) -> Row:
    """A row, and its recording: noise that only this name has."""
    noise = np.random.default_rng([*name.encode()]).normal(0.0, 0.1, int(seconds * SAMPLE_RATE))
    soundfile.write(ROOT / name, noise, SAMPLE_RATE)
    return {"audio_filepath": name, "text": text, **more}


def one_in_each_split() -> list[Row]:
    return [recorded(f"{split}.wav", split=split, speaker=f"speaker of {split}") for split in SPLITS]


def rows_of(split: str) -> list[Row]:
    return [json.loads(line) for line in Path(f"data/manifest/{split}.json").read_text().splitlines()]


def rejected() -> list[Row]:
    return rows_of("rejected")


def output_bytes() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("data/manifest").glob("*.json")}


def test_rows_are_json_lines_as_nemo_reads_them(run: Run) -> None:
    run(one_in_each_split())
    (row,) = rows_of("train")
    assert row["text"] == "GO"
    assert row["duration"] == 0.2
    assert soundfile.info("data/manifest" / Path(row["audio_filepath"])).duration == row["duration"]
    assert len(read_manifest(Path("data/manifest/train.json"))) == 1


def test_text_stays_as_the_corpus_has_it(run: Run) -> None:
    run([*one_in_each_split(), recorded("a.wav", text="Ça, «NA» 007", split="train", seconds=1.0)])
    assert "Ça, «NA» 007" in [row["text"] for row in rows_of("train")]


def test_an_absolute_path_out_of_the_root_is_the_users_own_and_stays(run: Run, tmp_path: Path) -> None:
    row = recorded("a.wav", split="train")
    (ROOT / "a.wav").rename(tmp_path / "elsewhere.wav")
    row["audio_filepath"] = str(tmp_path / "elsewhere.wav")
    run([*one_in_each_split(), row])
    assert str(tmp_path / "elsewhere.wav") in [row["audio_filepath"] for row in rows_of("train")]


def test_a_span_of_a_recording_is_a_row_with_offset_and_duration(run: Run) -> None:
    run([*one_in_each_split(), recorded("a.wav", split="train", offset=0.05, duration=0.1)])
    assert [(row["id"], row["offset"], row["duration"]) for row in rows_of("train")] == [
        ("a.wav@0.05", 0.05, 0.1),
        ("train.wav", 0.0, 0.2),
    ]


def test_a_duration_rounded_to_two_decimals_ends_with_the_recording(run: Run) -> None:
    run([*one_in_each_split(), recorded("a.wav", split="train", seconds=0.303, duration=0.31)])
    assert rows_of("train")[0]["duration"] == 0.303


def test_the_same_input_gives_the_same_bytes_in_whatever_order_the_rows_stand(run: Run) -> None:
    rows = [
        *one_in_each_split(),
        recorded("a.wav", split="train"),
        {"audio_filepath": "none.wav", "text": "a"},
    ]
    run(rows)
    first = output_bytes()
    run(rows[::-1])
    assert output_bytes() == first


def test_new_speakers_and_new_recordings_never_move_an_old_speaker(run: Run) -> None:
    carve = {"validation": 0.3, "test": 0.3}
    rows = [recorded(f"{number}.wav", speaker=f"speaker {number}", seconds=0.05) for number in range(30)]

    def places() -> dict[str, str]:
        return {row["speaker"]: split for split in SPLITS for row in rows_of(split)}

    run(rows[:20], carve=carve)
    before = places()
    more_of_speaker_0 = recorded("more.wav", speaker="speaker 0", seconds=0.05)
    run([more_of_speaker_0, *rows], carve=carve)
    after = places()
    assert (len(before), len(after)) == (20, 30)
    assert {speaker: after[speaker] for speaker in before} == before


def encoded(container: str, seconds: float = 0.5, gain: float = 1.0, share: float = 1.0, **how: Any) -> bytes:
    """The first ``share`` of a file."""
    path = Path(f"sound.{container}")
    noise = np.random.default_rng(0).normal(0.0, 0.1, int(seconds * SAMPLE_RATE))
    soundfile.write(path, noise * gain, SAMPLE_RATE, **how)
    return path.read_bytes()[: int(share * path.stat().st_size)]


BAD_FILES: dict[str, tuple[Callable[[], bytes | None], str]] = {
    "missing": (lambda: None, "cannot read the file: No such file or directory"),
    "empty": (lambda: b"", "the file is empty"),
    "truncated wav": (lambda: encoded("wav", share=0.5), "the file is truncated"),
    "truncated flac": (lambda: encoded("flac", share=0.5), "not readable as audio"),
    "truncated mp3": (lambda: encoded("mp3", share=0.5), "the file is truncated"),
    "ogg cut in its first page": (lambda: encoded("ogg", share=0.5), "not readable as audio"),
    "cut in its header": (lambda: encoded("wav", share=0.002), "not readable as audio"),
    "zero-length": (lambda: encoded("wav", seconds=0.0), "the file holds no samples"),
    "NaN-filled": (lambda: encoded("wav", gain=np.nan, subtype="FLOAT"), "NaN or infinite samples"),
    "not audio": (lambda: b"a transcript, not a recording\n" * 50, "not readable as audio"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_rejected_with_its_name_and_reason_and_harms_no_neighbour(run: Run, kind: str) -> None:
    make, reason = BAD_FILES[kind]
    if (content := make()) is not None:
        (ROOT / "bad.wav").write_bytes(content)
    run([{"audio_filepath": "bad.wav", "text": "GO", "split": "train"}, *one_in_each_split()])
    (row,) = rejected()
    assert row["id"] == "bad.wav"
    assert reason in row["reason"]
    assert row["value"] == "bad.wav"
    assert [row["id"] for row in rows_of("train")] == ["train.wav"]


BAD_ROWS: dict[str, tuple[Row, str, str]] = {
    "empty transcript": ({"text": ""}, "empty transcript", ""),
    "blank transcript": ({"text": " \t "}, "empty transcript", ""),
    "transcript too long for 0.2 s": ({"text": "a" * 11}, "transcript too long", "11 characters in 0.20 s"),
    "path out of the root": ({"audio_filepath": "../a.wav"}, "leaves manifest.root", "../a.wav"),
    "no path": ({"audio_filepath": None}, "no audio file is named", "GO"),
    "unknown split": ({"split": "dev"}, "not among manifest.splits", "dev"),
    "negative offset": ({"offset": -0.1}, "leave the recording", "-0.1 s"),
    "offset behind the end": ({"offset": 0.3}, "leave the recording", "0.3 s"),
    "longer than the recording": ({"duration": 0.3}, "leave the recording", "0.3 s of 0.2 s"),
    "no duration": ({"duration": 0.0}, "leave the recording", "0.0 s of 0.2 s"),
    "less than a frame": ({"duration": 0.0249}, "less audio than 0.025 s", "0.024900 s"),
    "less than a frame to the end": ({"offset": 0.19999}, "less audio than 0.025 s", "0.000010 s"),
}


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_a_bad_row_is_rejected_with_its_id_reason_and_value(run: Run, kind: str) -> None:
    change, reason, value = BAD_ROWS[kind]
    run([recorded("a.wav", id="bad", split="train") | change, *one_in_each_split()])
    (row,) = rejected()
    assert row["id"] == "bad"
    assert reason in row["reason"]
    assert value in row["value"]
    assert [row["id"] for row in rows_of("train")] == ["train.wav"]


def test_the_second_row_of_an_id_is_rejected(run: Run) -> None:
    run([*one_in_each_split(), recorded("a.wav", id="train.wav", split="train")])
    assert rejected() == [{"id": "train.wav", "reason": "duplicated id", "value": "train.wav"}]
    assert len(rows_of("train")) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"speaker": 7}, "speaker: Input should be a valid string"),
        ({"offset_seconds": float("nan")}, "offset and duration leave the recording"),
        ({"audio": Path("a\0b.wav")}, "embedded null byte"),
    ],
)
def test_what_a_faulty_corpus_yields_is_rejected_too(
    run: Run, write_params: Callable[..., Path], change: Row, reason: str
) -> None:
    recorded("a.wav", seconds=1.0)
    bad = replace(Utterance(id="bad", audio=Path("a.wav"), text="GO", split="train"), **change)
    settings = read_params(write_params({})).manifest
    splits, rejects = manifest.admit([bad], settings, ROOT, Path("data/manifest"))
    assert [row.id for row in rejects] == ["bad"]
    assert reason in rejects[0].reason
    assert splits["train"] == []


def test_more_rejects_than_allowed_stop_the_stage_and_are_listed(run: Run) -> None:
    rows = [*one_in_each_split(), {"id": "bad", "audio_filepath": "none.wav", "text": "GO", "split": "train"}]
    run(rows, max_rejected=0.25)
    with pytest.raises(ValueError, match=r"1 of 4 .* allows 24\.00%.* First: bad: cannot read the file"):
        run(rows, max_rejected=0.24)
    assert "none.wav" in Path("data/manifest.partial/rejected.json").read_text()


def test_a_symlink_below_the_root_stops_the_stage(run: Run) -> None:
    rows = one_in_each_split()
    (ROOT / "link.wav").symlink_to("train.wav")
    with pytest.raises(ValueError, match=r"data/raw/corpus/link\.wav: a symlink below manifest\.root"):
        run(rows)


def test_an_empty_split_stops_the_stage(run: Run) -> None:
    with pytest.raises(ValueError, match="no utterance in split validation, test"):
        run(one_in_each_split()[:1])


def test_a_speaker_in_two_splits_stops_the_stage(run: Run) -> None:
    rows = [recorded(f"{split}-A.wav", split=split, speaker="A") for split in ("train", "test")]
    with pytest.raises(ValueError, match=r"speaker A .* \(train-A\.wav in train, test-A\.wav in test"):
        run([*one_in_each_split(), *rows])


def test_a_recording_in_two_splits_stops_the_stage_whatever_its_name(run: Run) -> None:
    rows = one_in_each_split()
    (ROOT / "test.wav").write_bytes((ROOT / "train.wav").read_bytes())
    with pytest.raises(ValueError, match=r"recording .* \(test\.wav in test, train\.wav in train"):
        run(rows)


def test_the_report_counts_the_speakers_that_are_known(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run([*one_in_each_split()[:2], recorded("a.wav", split="train"), recorded("b.wav", split="test")])
    train, _, test, *_ = capsys.readouterr().out.splitlines()
    assert train == "train: 2 utterances, 0.00 h, 1 speakers"
    assert test.startswith("test: 1 utterances, 0.00 h, speakers unknown")


def test_a_stopped_stage_leaves_the_manifest_of_before(run: Run) -> None:
    rows = one_in_each_split()
    run(rows)
    before = output_bytes()
    with pytest.raises(ValueError, match="no utterance in split"):
        run(rows[:1])
    assert output_bytes() == before
