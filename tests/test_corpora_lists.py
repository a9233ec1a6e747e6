"""LibriSpeech, LJ Speech and NeMo manifests: their layouts, and faulty ones."""

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile
from manifest_project import ROOT, Run, recorded, rows_of
from small_recordings import write_noise

from stages.corpora.corpus import Utterance
from stages.corpora.libri_speech import LibriSpeech
from stages.corpora.lj_speech import LJSpeech
from stages.corpora.sphinx import Sphinx


def utterances(corpus: LibriSpeech | LJSpeech, root: Path) -> list[Utterance]:
    return list(corpus.utterances(root, root / "unused", seed=0))


def write_chapter(root: Path, subset: str, name: str, texts: list[str]) -> Path:
    speaker, chapter = name.split("-")
    folder = root / subset / speaker / chapter
    for number in range(len(texts)):
        write_noise(folder / f"{name}-{number:04d}.flac")
    lines = [f"{name}-{number:04d} {text}\n" for number, text in enumerate(texts)]
    (folder / f"{name}.trans.txt").write_text("".join(lines))
    return folder


def test_a_chapter_of_librispeech(tmp_path: Path) -> None:
    write_chapter(tmp_path / "LibriSpeech", "dev-clean", "84-121123", ["GO", "DO YOU HEAR"])
    found = utterances(LibriSpeech({"validation": ["dev-clean"]}), tmp_path)
    assert found[1] == Utterance(
        id="84-121123-0001",
        audio=Path("LibriSpeech/dev-clean/84/121123/84-121123-0001.flac"),
        text="DO YOU HEAR",
        split="validation",
        speaker="84",
    )
    assert len(found) == 2


def test_a_split_may_have_several_subsets(tmp_path: Path) -> None:
    for subset, name in (("train-clean-100", "1-1"), ("train-clean-360", "2-1"), ("test-clean", "3-1")):
        write_chapter(tmp_path, subset, name, ["GO"])
    corpus = LibriSpeech({"train": ["train-clean-100", "train-clean-360"], "test": ["test-clean"]})
    assert [(u.speaker, u.split) for u in utterances(corpus, tmp_path)] == [
        ("1", "train"), ("2", "train"), ("3", "test"),
    ]  # fmt: skip


def test_lines_without_recording_and_recordings_without_line_are_rejected_rows(tmp_path: Path) -> None:
    folder = write_chapter(tmp_path, "dev-clean", "84-1", ["GO"])
    write_noise(folder / "84-1-0007.flac")
    with (folder / "84-1.trans.txt").open("a") as lines:
        lines.write("84-1-0009 NO SOUND\n")
    found = {u.id: u for u in utterances(LibriSpeech({"test": ["dev-clean"]}), tmp_path)}
    assert found["84-1-0007"].problem == ("the transcripts have no line for this recording", "84-1-0007")
    assert not (tmp_path / found["84-1-0009"].audio).exists()  # so the manifest stage rejects it


def test_an_absent_subset_and_a_line_that_is_there_twice_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"train-clean-100: no folders SPEAKER/CHAPTER here; unpack"):
        utterances(LibriSpeech(), tmp_path)
    folder = write_chapter(tmp_path, "dev-clean", "84-1", ["GO"])
    (folder / "84-1.trans.txt").write_text("84-1-0000 GO\n84-1-0000 STOP\n")
    with pytest.raises(ValueError, match=r"84-1\.trans\.txt: .*line 2: 84-1-0000 already has a line"):
        utterances(LibriSpeech({"test": ["dev-clean"]}), tmp_path)
    with pytest.raises(ValueError, match=r"must name folders"):
        LibriSpeech.check_arguments({"test": ["../dev-clean"]})


def test_lj_speech_has_two_texts_and_no_speaker(tmp_path: Path) -> None:
    folder = tmp_path / "LJSpeech-1.1"
    folder.mkdir()
    (folder / "metadata.csv").write_text(
        'LJ001-0001|in 1465, "he"|in fourteen sixty-five, "he"\nLJ001-0002|No. 2|Number two\n'
    )
    audio = Path("LJSpeech-1.1/wavs/LJ001-0001.wav")
    normalized, raw = (utterances(LJSpeech(text), tmp_path)[0] for text in ("normalized", "raw"))
    assert normalized == Utterance("LJ001-0001", audio, 'in fourteen sixty-five, "he"')
    assert raw == Utterance("LJ001-0001", audio, 'in 1465, "he"')


def test_a_line_of_lj_speech_may_be_long_and_hides_no_other_fault(tmp_path: Path) -> None:
    text = 'he said "go" ' * 14_000  # an hour, at manifest.max_characters_per_second
    lines = ["a|x|Hello", f"b|x|{text}", "", "c|x|World"]
    (tmp_path / "metadata.csv").write_bytes("\r\n".join(lines).encode())
    assert [(u.id, u.text) for u in utterances(LJSpeech(), tmp_path)] == [
        ("a", "Hello"), ("b", text), ("c", "World")
    ]  # fmt: skip
    (tmp_path / "metadata.csv").write_text("\n".join([*lines, "d|x", "e"]))
    with pytest.raises(ValueError, match=r"line 5: expected .*; line 6: .*faulty lines in all: 2"):
        utterances(LJSpeech(), tmp_path)


def test_a_list_in_lj_speech_s_layout_may_have_raw_text_alone(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("a|Hello\n\nb|World\n")
    assert [(u.id, u.text) for u in utterances(LJSpeech("raw"), tmp_path)] == [("a", "Hello"), ("b", "World")]
    with pytest.raises(
        ValueError, match=r"metadata\.csv: .*line 1: expected .* init_args\.text: raw, found a\|H"
    ):
        utterances(LJSpeech(), tmp_path)


def test_a_recording_of_lj_speech_without_line_is_a_rejected_row(tmp_path: Path) -> None:
    write_noise(tmp_path / "wavs" / "a.wav")
    write_noise(tmp_path / "wavs" / "b.wav")
    (tmp_path / "metadata.csv").write_text("a|Hello\n")
    found = {u.id: u.problem for u in utterances(LJSpeech("raw"), tmp_path)}
    assert found == {"a": None, "b": ("metadata.csv has no line for this recording", "b")}


def test_all_faulty_lines_of_a_list_are_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("a|b|c\nd\ne|f|g|h\n")
    with pytest.raises(
        ValueError,
        match=r"line 2: expected .* found d; line 3: .* \(faulty lines in all: 2\); correct or",
    ):
        utterances(LJSpeech(), tmp_path)


def test_a_chapter_s_lines_may_follow_a_byte_order_mark_and_have_tabs(tmp_path: Path) -> None:
    folder = write_chapter(tmp_path, "dev-clean", "84-1", ["GO"])
    (folder / "84-1.trans.txt").write_text("\ufeff84-1-0000\tGO ON\r\n", encoding="utf-8")
    found = utterances(LibriSpeech({"test": ["dev-clean"]}), tmp_path)
    assert [(u.id, u.text, u.problem) for u in found] == [("84-1-0000", "GO ON", None)]


@pytest.mark.parametrize("corpus", [LibriSpeech, Sphinx])
@pytest.mark.parametrize("ending", ["flac", ".", ""])
def test_an_ending_has_its_dot(corpus: Any, ending: str) -> None:
    with pytest.raises(ValueError, match=r"audio_extension must be an ending such as \."):
        corpus.check_arguments(audio_extension=ending)


def test_nemo_s_offset_and_duration_are_the_span_that_is_used(tmp_path: Path, run: Run) -> None:
    absolute = write_noise(tmp_path / "elsewhere" / "absolute.wav", seconds=2.0)
    rows: list[dict[str, Any]] = [
        recorded("relative.wav", "GO ON", 2.0, offset=0.5, duration=0.75),
        {"audio_filepath": str(absolute), "text": "STOP NOW", "offset": 1.25, "duration": 0.5},
    ]
    for split, row in zip(("train", "validation"), rows, strict=True):
        (ROOT / f"{split}.json").write_text(json.dumps(row) + "\n")
    recorded("test.wav")
    (ROOT / "test.json").write_text('{"audio_filepath": "test.wav", "text": "GO", "duration": 0.2}\n')
    paths = {split: f"{split}.json" for split in ("train", "validation", "test")}
    run([], corpora=[{"class_path": "stages.corpora.table.Table", "init_args": {"path": paths}}])
    (train,), (validation,) = rows_of("train"), rows_of("validation")
    assert (train["offset"], train["duration"], train["text"]) == (0.5, 0.75, "GO ON")
    assert (validation["offset"], validation["duration"]) == (1.25, 0.5)
    assert Path(validation["audio_filepath"]) == absolute
    assert soundfile.info("data/manifest" / Path(train["audio_filepath"])).duration == 2.0


def test_of_very_many_faulty_lines_the_first_are_said(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("a\n" * 5000)
    with pytest.raises(ValueError, match=r"line 10: .* \(faulty lines in all: 5000\)") as refused:
        utterances(LJSpeech(), tmp_path)
    assert len(str(refused.value)) < 2000
