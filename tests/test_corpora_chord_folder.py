"""Folders of sample_*.json next to recordings."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from manifest_project import judged

from stages.audio.recording import write_recording
from stages.corpora.chord_folder import ChordFolder
from stages.corpora.corpus import Utterance
from stages.schema.families import Corpus
from stages.schema.manifest_row import ManifestRow, RejectedRow
from stages.schema.params import Manifest
from stages.schema.part import Part

LABEL = {"chord_type": "min7", "root": 1, "bass_note": 4, "filename": "sample_000001.wav"}


def write(root: Path, label: Any, name: str = "sample_000001", audio: bool = True) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / f"{name}.json").write_text(
        label if isinstance(label, str) else json.dumps(label), encoding="utf-8"
    )
    if audio:
        write_recording(root / f"{name}.wav", np.full(4410, 0.1), 44100)


def read(root: Path, **arguments: Any) -> list[Utterance]:
    return list(ChordFolder(**arguments).utterances(root, root, 0))


def admitted(root: Path) -> tuple[list[ManifestRow], list[RejectedRow]]:
    """The manifest of the folder, every row in train."""
    settings = Manifest(
        root=str(root), corpora=[Corpus(class_path="stages.corpora.chord_folder.ChordFolder")],
        splits=["train"], carve={}, seed=0, max_characters_per_second=500.0, max_rejected=1.0,
    )  # fmt: skip
    utterances = [replace(utterance, split="train") for utterance in read(root)]
    splits, rejected = judged(utterances, settings, root, root / "out")
    return splits["train"], rejected


def test_a_label_names_the_chord_and_its_recording(tmp_path: Path) -> None:
    write(tmp_path / "piano", {**LABEL, "voicing": "close"})
    (found,) = read(tmp_path)
    assert found.id == "piano/sample_000001"
    assert found.audio == Path("piano/sample_000001.wav")
    assert found.text == "C#:min7/E"
    assert found.labels == {"chord_type": "min7", "root": "C#", "bass_note": "E"}


def test_pitch_classes_may_be_names(tmp_path: Path) -> None:
    write(tmp_path, {**LABEL, "root": "A#", "bass_note": "C"})
    assert read(tmp_path)[0].text == "A#:min7/C"


def test_recordings_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    write(tmp_path / "labels", {key: LABEL[key] for key in ("chord_type", "root", "bass_note")})
    (found,) = read(tmp_path, audio="../wav")
    assert found.audio == Path("labels/../wav/sample_000001.wav")


def test_the_labels_reach_the_manifest(tmp_path: Path) -> None:
    write(tmp_path, LABEL)
    (row,), rejected = admitted(tmp_path)
    assert (row.chord_type, row.root, row.bass_note, row.text) == ("min7", "C#", "E", "C#:min7/E")
    assert not rejected


@pytest.mark.parametrize(
    ("label", "reason", "value"),
    [
        ({**LABEL, "chord_type": "power_chord"}, "chord_type is not in types of the corpus", "power_chord"),
        ({**LABEL, "root": 12}, "root is neither 0 to 11 nor one of C C#", "12"),
        ({**LABEL, "bass_note": "Db"}, "bass_note is neither 0 to 11 nor one of C C#", "'Db'"),
        ({**LABEL, "root": True}, "root is neither 0 to 11", "True"),
        ({**LABEL, "root": 1.0}, "root is neither 0 to 11", "1.0"),
        ({**LABEL, "chord_type": ["major"]}, "chord_type is not in types", "['major']"),
        ({"root": 0, "filename": "a.wav"}, "the label has no chord_type, bass_note", "sample_000001.json"),
        ({**LABEL, "filename": "/tmp/a.wav"}, "filename must be relative to the folder", "/tmp/a.wav"),
        ("[1]", "the label is not a JSON object", "sample_000001.json"),
        ('{"root": ', "the label cannot be read", "sample_000001.json: "),
    ],
)
def test_other_labels_are_rejected_rows(tmp_path: Path, label: Any, reason: str, value: str) -> None:
    write(tmp_path, label)
    write(tmp_path, {**LABEL, "filename": "sample_000002.wav"}, "sample_000002")
    rows, (rejected,) = admitted(tmp_path)
    assert [row.id for row in rows] == ["sample_000002"]
    assert rejected.id == "sample_000001"
    assert rejected.reason.startswith(reason)
    assert rejected.value.startswith(value)


def test_a_label_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    write(tmp_path, "\ufeff" + json.dumps(LABEL))
    assert read(tmp_path)[0].text == "C#:min7/E"


def test_an_absolute_recording_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", LABEL)
    write(tmp_path / "root", {**LABEL, "filename": str(tmp_path / "elsewhere" / "sample_000001.wav")})
    rows, (rejected,) = admitted(tmp_path / "root")
    assert not rows
    assert rejected.reason.startswith("filename must be relative")
    with pytest.raises(
        ValueError, match="audio must be relative to the folder of a label file; found '/wav'"
    ):
        Part(class_path="stages.corpora.chord_folder.ChordFolder", init_args={"audio": "/wav"}).build()


def test_of_two_labels_of_one_recording_the_second_is_rejected_with_both_names(tmp_path: Path) -> None:
    write(tmp_path / "labels", LABEL)
    other = {**LABEL, "root": 2, "filename": "../labels/sample_000001.wav"}
    write(tmp_path / "labels", other, "sample_000002", audio=False)
    write(tmp_path / "labels", LABEL, "sample_000003", audio=False)  # the same label
    rows, (rejected,) = admitted(tmp_path)
    assert [row.id for row in rows] == ["labels/sample_000001", "labels/sample_000003"]
    assert rejected.id == "labels/sample_000002"
    assert rejected.reason == "the recording also has another label"
    assert rejected.value == "labels/sample_000001.json: C#:min7/E; labels/sample_000002.json: D:min7/E"


def test_a_recording_that_is_missing_is_a_rejected_row(tmp_path: Path) -> None:
    write(tmp_path, LABEL, audio=False)
    rows, (rejected,) = admitted(tmp_path)
    assert not rows
    assert rejected.reason.startswith("cannot read the file")


def test_other_types_can_be_configured(tmp_path: Path) -> None:
    write(tmp_path, {**LABEL, "chord_type": "power_chord"})
    assert read(tmp_path, types=["power_chord"])[0].text == "C#:power_chord/E"


def test_a_folder_without_labels_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"sample_\*\.json: no such file"):
        read(tmp_path)
