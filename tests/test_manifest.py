"""The manifest stage on small folders: what becomes a row, and what stops the stage."""

import unicodedata
from pathlib import Path

import pytest
import soundfile
from manifest_project import ROOT, SPLITS, Run, one_in_each_split, recorded, rows_of

from stages.schema.manifest_row import read_manifest


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


def test_a_symlink_below_the_root_stops_the_stage(run: Run) -> None:
    rows = one_in_each_split()
    (ROOT / "link.wav").symlink_to("train.wav")
    with pytest.raises(ValueError, match=r"data/raw/corpus/link\.wav: a symlink below manifest\.root"):
        run(rows)


def test_an_empty_split_stops_the_stage(run: Run) -> None:
    with pytest.raises(ValueError, match="no utterance in split validation, test"):
        run(one_in_each_split()[:1])


def test_of_an_empty_split_rejections_are_named_as_the_cause(run: Run) -> None:
    gone = {"id": "x", "audio_filepath": "none.wav", "text": "GO", "split": "test"}
    cause = r"split test: 1 utterances were rejected: cannot read .*; mend that, or give"
    with pytest.raises(ValueError, match=cause):
        run([*one_in_each_split()[:2], gone])


def test_of_an_empty_split_rejections_of_another_are_no_cause(run: Run) -> None:
    gone = {"id": "x", "audio_filepath": "none.wav", "text": "GO", "split": "train"}
    with pytest.raises(ValueError, match=r"no utterance in split test: give the corpus a list"):
        run([*one_in_each_split()[:2], gone])


def test_a_split_of_another_name_is_named_as_the_cause(run: Run) -> None:
    rows = [*one_in_each_split()[:2], recorded("x.wav", split="eval")]
    with pytest.raises(ValueError, match=r"in split test: 1 utterances were rejected: the split is not in"):
        run(rows)


def test_what_is_left_out_of_training_is_no_cause_of_another_empty_split(run: Run) -> None:
    rows = [*one_in_each_split()[:2], recorded("short.wav", seconds=0.1, split="train")]
    with pytest.raises(ValueError, match=r"no utterance in split test: give the corpus a list"):
        run(rows, train_seconds={"min": 0.15, "max": 9.0})
    with pytest.raises(ValueError, match=r"train, test: 2 utterances .* not within manifest\.train_sec"):
        run(rows, train_seconds={"min": 0.5, "max": 9.0})


def test_corpora_without_utterances_are_named_as_the_cause(run: Run) -> None:
    for name in ("wav.scp", "text"):
        (ROOT / name).touch()
    corpus = {"class_path": "stages.corpora.kaldi.Kaldi", "init_args": {"folders": {"train": "."}}}
    with pytest.raises(
        ValueError, match=r"split train, validation, test: the corpora have no utterances; put"
    ):
        run([], corpora=[corpus])


def test_a_speaker_in_two_splits_stops_the_stage(run: Run) -> None:
    rows = [recorded(f"{split}-A.wav", split=split, speaker="A") for split in ("train", "test")]
    with pytest.raises(ValueError, match=r"speaker A .* \(train-A\.wav in train, test-A\.wav in test"):
        run([*one_in_each_split(), *rows])


def test_a_recording_in_two_splits_stops_the_stage_whatever_its_name(run: Run) -> None:
    rows = one_in_each_split()
    (ROOT / "test.wav").write_bytes((ROOT / "train.wav").read_bytes())
    with pytest.raises(ValueError, match=r"recording .* \(test\.wav in test, train\.wav in train"):
        run(rows)


def test_a_recording_in_two_splits_stops_the_stage_whatever_its_format(run: Run) -> None:
    rows = one_in_each_split()
    samples, rate = soundfile.read(ROOT / "train.wav", dtype="int16")
    soundfile.write(ROOT / "test.wav", samples, rate, format="FLAC", subtype="PCM_16")
    with pytest.raises(ValueError, match=r"recording .* \(test\.wav in test, train\.wav in train"):
        run(rows)


def test_a_speaker_in_two_splits_stops_the_stage_however_the_name_is_spelt(run: Run) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    rows = [recorded("x.wav", split="train", speaker=composed)]
    rows += [recorded("y.wav", split="test", speaker=f"{decomposed} ")]
    with pytest.raises(ValueError, match=r"speaker Zo. is in .* \(x\.wav in train, y\.wav in test; 1 such"):
        run([*one_in_each_split(), *rows])


def test_everything_that_stops_the_stage_is_said_at_once_and_the_report_is_left(run: Run) -> None:
    rows = [recorded(f"{split}.wav", split=split, speaker="A") for split in ("train", "test")]
    missing = {"id": "bad", "audio_filepath": "none.wav", "text": "GO", "split": "train"}
    with pytest.raises(ValueError, match="no utterance in split validation") as stopped:
        run([*rows, missing], max_rejected=0.0)
    said = str(stopped.value).splitlines()
    assert said[0].startswith("1 of 3 utterances were rejected")
    assert said[2].startswith("speaker A is in more than one split")
    assert said[-1].endswith("data/manifest.partial/report.html")
    assert "speaker A is in more than one split" in Path("data/manifest.partial/report.html").read_text()


def test_training_leaves_out_what_is_not_within_its_seconds_and_validation_nothing(run: Run) -> None:
    rows = [recorded(f"{s}.wav", split=s, seconds=1.0, speaker=s) for s in ("validation", "test")]
    rows += [recorded(f"{seconds}.wav", split="train", seconds=seconds) for seconds in (0.2, 0.5, 0.8)]
    run(rows, train_seconds={"min": 0.3, "max": 0.7}, max_rejected=0.0)
    assert [row["id"] for row in rows_of("train")] == ["0.5.wav"]
    assert [row["id"] for row in rows_of("validation")] == ["validation.wav"]
    assert {(row["id"], row["reason"]) for row in rows_of("rejected")} == {
        ("0.2.wav", "not within manifest.train_seconds"),
        ("0.8.wav", "not within manifest.train_seconds"),
    }


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
