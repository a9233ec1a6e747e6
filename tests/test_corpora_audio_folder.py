"""Folders of recordings: their transcripts, their test folder, and that nothing is left out silently."""

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from manifest_project import ROOT, Run, rows_of
from small_recordings import write_noise

from stages.corpora.audio_folder import AudioFolder
from stages.corpora.corpus import Utterance


def read(root: Path, **arguments: Any) -> list[Utterance]:
    return list(AudioFolder(**arguments).utterances(root, root / "unused", seed=0))


def put(root: Path, **texts: str | None) -> Path:
    """Empty recordings (a__b is a/b), with a transcript next to each that has one."""
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".wav").touch()
        if text is not None:
            path.with_suffix(".txt").write_text(text, encoding="utf-8")
    return root


def test_a_transcript_lies_beside_its_recording_in_sub_folders_too(tmp_path: Path) -> None:
    put(tmp_path, a="GO\n", sub__b=" Ça\nva ")
    assert read(tmp_path) == [
        Utterance("a.wav", Path("a.wav"), "GO"),
        Utterance("sub/b.wav", Path("sub/b.wav"), "Ça va"),
    ]


def test_the_first_kind_of_transcript_counts(tmp_path: Path) -> None:
    put(tmp_path, a="from txt")
    (tmp_path / "a.lab").write_text("from lab")
    assert [u.text for u in read(tmp_path)] == ["from txt"]
    assert [u.text for u in read(tmp_path, sidecar_extensions=["lab"])] == ["from lab"]


def test_a_transcript_s_ending_may_have_several_dots(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.normalized.txt").write_text("as LibriTTS has it")
    assert [u.text for u in read(tmp_path, sidecar_extensions=[".normalized.txt"])] == ["as LibriTTS has it"]


def test_endings_are_compared_without_case_and_others_are_no_recordings(tmp_path: Path) -> None:
    for name in ("a.WAV", "b.Mp3", "c.m4a"):
        (tmp_path / name).touch()
        (tmp_path / name).with_suffix(".TXT").write_text("GO")
    found = {u.id: u.problem for u in read(tmp_path)}
    assert found["a.WAV"] is found["b.Mp3"] is None
    assert found["c.TXT"] == ("no recording has this transcript", "c.TXT")
    assert [u.id for u in read(tmp_path, allowed_extensions=["m4a"]) if not u.problem] == ["c.m4a"]


def test_recordings_without_transcript_and_second_ones_of_a_transcript_are_rejected(tmp_path: Path) -> None:
    put(tmp_path, a="GO", b=None)
    (tmp_path / "a.mp3").touch()
    (tmp_path / "c.wav").touch()
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe\xff")
    found = {u.id: u.problem and u.problem[0] for u in read(tmp_path)}
    own = "no transcript of its own: none, or another recording has it"
    assert found == {"a.mp3": None, "a.wav": own, "b.wav": own, "c.wav": found["c.wav"]}
    assert str(found["c.wav"]).startswith("the transcript cannot be read")


def test_a_language_is_a_sub_folder(tmp_path: Path) -> None:
    put(tmp_path, speech__de__a="JA", speech__ru__b="ДА", exam__ru__c="ДА")
    found = read(tmp_path, folder="speech", language="ru", test_folder="exam")
    assert [(u.id, u.language, u.split) for u in found] == [
        ("speech/ru/b.wav", "ru", None),
        ("exam/ru/c.wav", "ru", "test"),
    ]


def test_the_test_folder_may_lie_in_the_other_one(tmp_path: Path) -> None:
    put(tmp_path, a="GO", test__b="STOP", test__c__d="NO")
    assert [(u.id, u.split) for u in read(tmp_path, test_folder="test")] == [
        ("a.wav", None), ("test/b.wav", "test"), ("test/c/d.wav", "test"),
    ]  # fmt: skip


def test_the_speaker_may_be_the_sub_folder(tmp_path: Path) -> None:
    put(tmp_path, a="GO", p225__b="STOP")
    assert [u.speaker for u in read(tmp_path, speaker_from_folder=True)] == [None, "p225"]
    assert {u.speaker for u in read(tmp_path)} == {None}


def test_transcripts_may_be_in_a_table(tmp_path: Path) -> None:
    put(tmp_path, a=None, sub__b=None, c=None)
    (tmp_path / "metadata.csv").write_text(
        'file_name,transcription,age\nsub/b.wav,"Yes, it is",7\na.wav,No,9\ngone.wav,What,1\n'
    )
    found = {u.id: (u.text, u.problem and u.problem[0]) for u in read(tmp_path, metadata="metadata.csv")}
    assert found == {
        "a.wav": ("No", None),
        "sub/b.wav": ("Yes, it is", None),
        "c.wav": ("", "no transcript of its own: none, or another recording has it"),
        "gone.wav": ("", "no such recording, or one of another split or ending"),
    }


@pytest.mark.parametrize(("recording", "transcript"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_how_accents_are_encoded_makes_no_difference(tmp_path: Path, recording: str, transcript: str) -> None:
    audio, told = (unicodedata.normalize(form, "\u00dcber/Zo\u00eb") for form in (recording, transcript))
    put(tmp_path, **{audio: None})
    (tmp_path / "metadata.csv").write_text(f"file_name,transcription\n{told}.wav,GO\n", encoding="utf-8")
    (found,) = read(tmp_path, metadata="metadata.csv")
    assert (found.id, found.text, found.problem) == (f"{audio}.wav", "GO", None)
    (tmp_path / audio).with_name(f"{Path(told).name}.txt").write_text("STOP")
    (tmp_path / unicodedata.normalize("NFC", audio)).mkdir(parents=True)
    (found,) = read(tmp_path)
    assert (found.text, found.problem) == ("STOP", None)


def test_names_that_only_their_encoding_tells_apart_have_each_its_own_transcript(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "Zo\u00eb") for form in ("NFC", "NFD")]
    put(tmp_path, **{name: f"{len(name)}" for name in names})
    assert {len(u.audio.stem): u.text for u in read(tmp_path)} == {3: "3", 4: "4"}


def test_a_transcript_of_just_its_name_is_a_recording_s_own(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Zo\u00eb") for form in ("NFC", "NFD"))
    put(tmp_path, **{composed: "GO", decomposed: None})
    found = {u.id: u.text for u in read(tmp_path)}
    assert found == {f"{composed}.wav": "GO", f"{decomposed}.wav": ""}


def test_a_transcript_of_a_table_is_of_the_recording_that_has_its_very_name(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "\u00dc") for form in ("NFC", "NFD"))
    put(tmp_path, **{f"{composed}__a": None, f"{decomposed}__a": None})
    (tmp_path / "metadata.csv").write_text(
        f"file_name,transcription\n{composed}/a.wav,GO\n", encoding="utf-8"
    )
    found = {u.id: u.text for u in read(tmp_path, metadata="metadata.csv")}
    assert found == {f"{composed}/a.wav": "GO", f"{decomposed}/a.wav": ""}


def test_the_root_may_be_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, a=None)
    (tmp_path / "metadata.csv").write_text("file_name,transcription\na.wav,GO\n")
    monkeypatch.chdir(tmp_path)
    assert [u.text for u in read(Path(), metadata="metadata.csv")] == ["GO"]


def test_a_root_may_be_written_with_dots(tmp_path: Path) -> None:
    put(tmp_path, a=None, sub__b=None)
    (tmp_path / "metadata.csv").write_text("file_name,transcription\na.wav,GO\nsub/b.wav,NO\n")
    found = {u.id: u.text for u in read(tmp_path / "sub" / "..", metadata="metadata.csv")}
    assert found == {"a.wav": "GO", "sub/b.wav": "NO"}


def test_a_table_may_be_written_with_backslashes(tmp_path: Path) -> None:
    put(tmp_path, sub__a=None, sub__b=None)
    (tmp_path / "a\\b.wav").touch()
    (tmp_path / "metadata.csv").write_text(
        "file_name,transcription\nsub\\a.wav,ONE\n.\\sub\\b.wav,TWO\na\\b.wav,THREE\n"
    )
    found = {u.id: (u.text, u.problem) for u in read(tmp_path, metadata="metadata.csv")}
    assert found == {
        "sub/a.wav": ("ONE", None), "sub/b.wav": ("TWO", None), "a\\b.wav": ("THREE", None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "file_name,text\na.wav,GO\n",
            r"metadata\.csv: no column 'transcription', found 'file_name', 'text'",
        ),
        (
            "file_name,transcription\na.wav,GO\n./a.wav,NO\n",
            r"metadata\.csv, row 2: \./a\.wav already has a row",
        ),
        (
            "file_name,transcription\nsub\\a.wav,GO\nsub/a.wav,NO\n",
            r"metadata\.csv, row 2: sub/a\.wav already has a row",
        ),
        (
            "file_name,transcription\n,GO\na.wav,GO\n ,NO\n",
            r"metadata\.csv, row 1: no file_name; row 3: .* \(faulty rows in all: 2\); correct or",
        ),
    ],
)
def test_a_faulty_table_is_named(tmp_path: Path, table: str, message: str) -> None:
    put(tmp_path, a=None)
    (tmp_path / "metadata.csv").write_text(table)
    with pytest.raises(ValueError, match=message):
        read(tmp_path, metadata="metadata.csv")


def test_a_folder_without_recordings_and_an_absent_table_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"speech: no such folder, or no recording in it \(\.wav, .*\.opus"):
        read(tmp_path, folder="speech")
    with pytest.raises(ValueError, match=r"metadata\.csv: no such table; correct init_args\.metadata"):
        read(put(tmp_path, a="GO"), metadata="metadata.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folder": "/data"}, "folder must be in manifest.root"),
        ({"test_folder": "../test"}, "test_folder must be in manifest.root"),
        ({"folder": "all/train", "test_folder": "all"}, "would be test"),
        ({"allowed_extensions": []}, "allowed_extensions must be endings"),
        ({"sidecar_extensions": ["."]}, "sidecar_extensions must be endings"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AudioFolder.check_arguments(**arguments)


def test_a_share_for_validation_is_carved_like_the_manifest_s_own(run: Run) -> None:
    part = {"class_path": "stages.corpora.audio_folder.AudioFolder"}

    def places(carve: dict[str, float], **arguments: Any) -> dict[str, str]:
        run([], corpora=[{**part, "init_args": arguments}], carve=carve, max_rejected=0.0)
        return {row["id"]: split for split in ("train", "validation", "test") for row in rows_of(split)}

    for number in range(30):
        write_noise(ROOT / "speech" / f"{number}.ogg").with_suffix(".txt").write_text("GO")
    own = places({"test": 0.3}, folder="speech", validation_split=0.3)
    assert own == places({"test": 0.3, "validation": 0.3}, folder="speech")
    assert own == places({"test": 0.3, "validation": 0.1}, folder="speech", validation_split=0.3)
    write_noise(ROOT / "speech" / "new.ogg").with_suffix(".txt").write_text("GO")
    grown = places({"test": 0.3}, folder="speech", validation_split=0.3)
    assert {name: grown[name] for name in own} == own
    with pytest.raises(ValueError, match=r"corpora\[0\]: its fractions and manifest\.carve's leave nothing"):
        places({"test": 0.3}, folder="speech", validation_split=0.7)
