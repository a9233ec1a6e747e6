"""Saved datasets of Hugging Face's library: their splits and columns, and faulty ones."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hub_project import CORPUS, dataset, datasets, save, tone
from manifest_project import ROOT, Run, rows_of

from stages.corpora.corpus import Utterance
from stages.corpora.hugging_face import HuggingFace


def read(root: Path, **arguments: Any) -> list[Utterance]:
    return list(HuggingFace(**arguments).utterances(root, root / "unused", seed=0))


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
