"""Common Voice: lists of every release, the clips of each split, and faulty releases."""

from pathlib import Path
from typing import Any

import pytest
from manifest_project import ROOT, Run, rows_of
from small_recordings import write_noise

from stages.corpora.common_voice import CommonVoice
from stages.corpora.corpus import Utterance

OLD = ["client_id", "path", "sentence", "up_votes", "age", "gender", "accent", "locale", "segment"]
NEW = ["client_id", "path", "sentence_id", "sentence", "sentence_domain", "up_votes", "variant", "locale"]

Clip = tuple[str, str, str]  # speaker, clip, sentence


def write_list(folder: Path, name: str, clips: list[Clip], header: list[str] = NEW) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(header)]
    for speaker, clip, sentence in clips:
        cells = {"client_id": speaker, "path": clip, "sentence": sentence, "locale": "ga-IE"}
        lines.append("\t".join(cells.get(column, "") for column in header))
    (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The lists of a release, one speaker each; validated has more of all speakers."""
    made = tmp_path / "cv-corpus-17.0-2024-03-15" / "ga-IE"
    of = {name: (f"by {name}", f"{name}.mp3", f"Say {name}") for name in ("train", "dev", "test", "other")}
    for name in ("train", "dev", "test", "other"):
        write_list(made, name, [of[name]])
    more: list[Clip] = [
        ("by train", "more.mp3", "More"),
        ("by dev", "dev2.mp3", "Say dev"),
        ("x", "x.mp3", "X"),
    ]
    write_list(made, "validated", [of["train"], of["dev"], of["test"], *more])
    write_list(made, "invalidated", [("by nobody", "noise.mp3", "Noise")])
    return made


def read(root: Path, **arguments: Any) -> list[Utterance]:
    return list(CommonVoice(**arguments).utterances(root, root / "unused", seed=0))


def clips(found: list[Utterance], split: str | None) -> list[str]:
    return [u.id for u in found if u.split == split]


def test_the_official_lists_are_the_splits(tmp_path: Path, folder: Path) -> None:
    found = {u.split: u for u in read(tmp_path)}
    assert set(found) == {"train", "validation", "test"}
    assert found["validation"] == Utterance(
        id="dev",
        audio=Path("cv-corpus-17.0-2024-03-15/ga-IE/clips/dev.mp3"),
        text="Say dev",
        split="validation",
        speaker="by dev",
        language="ga-IE",
    )


@pytest.mark.parametrize("header", [OLD, NEW, ["sentence", "client_id", "path"]], ids=["old", "new", "bare"])
def test_columns_are_found_by_their_names_in_every_release(tmp_path: Path, header: list[str]) -> None:
    for name in ("train", "dev", "test"):
        write_list(tmp_path / "ga-IE", name, [(f"by {name}", f"{name}.mp3", "Dia duit")], header)
    for found in read(tmp_path):
        assert (found.text, found.language, found.speaker) == ("Dia duit", "ga-IE", f"by {found.id}")


def test_all_that_was_validated_but_the_speakers_of_dev_and_test(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = {"train": ["validated"], "validation": ["dev"], "test": ["test"]}
    found = read(tmp_path, lists=lists)
    assert clips(found, "train") == ["train", "more", "x"]
    assert {u.speaker for u in found if u.split != "train"} == {"by dev", "by test"}
    assert "validated.tsv: left out 3 clips of speakers in the lists of validation and test" in (
        capsys.readouterr().err
    )


def test_validated_may_be_carved_beside_the_official_test_list(tmp_path: Path, folder: Path) -> None:
    found = read(tmp_path, lists={"carve": ["validated"], "test": ["test"]})
    assert clips(found, None) == ["train", "dev", "more", "dev2", "x"]
    assert clips(found, "test") == ["test"]


def test_a_clip_of_two_lists_is_taken_once_and_the_refused_ones_only_by_name(
    tmp_path: Path, folder: Path
) -> None:
    assert clips(read(tmp_path, lists={"train": ["train", "validated"]}), "train") == [
        "train", "dev", "test", "more", "dev2", "x",
    ]  # fmt: skip
    every = {u.id for u in read(tmp_path, lists={"train": ["train", "other", "invalidated"]})}
    assert every == {"train", "other", "noise"}


def test_quotes_are_part_of_a_sentence_and_clips_may_lack_their_ending(tmp_path: Path) -> None:
    write_list(
        tmp_path / "de", "train", [("a", "one", '"Ja", sagte er'), ("a", "two.mp3", '"'), ("a", "3.MP3", "")]
    )
    found = read(tmp_path, lists={"train": ["train"]})
    assert [(u.id, u.audio.name, u.text) for u in found] == [
        ("one", "one.mp3", '"Ja", sagte er'),
        ("two", "two.mp3", '"'),
        ("3", "3.MP3", ""),
    ]


def test_a_row_without_clip_is_called_by_its_place(tmp_path: Path) -> None:
    write_list(tmp_path / "de", "train", [("a", "one.mp3", "Ja"), ("a", " ", "Nein")])
    assert read(tmp_path, lists={"train": ["train"]})[1].id == "train.tsv, row 2"


def test_the_locale_chooses_among_several(tmp_path: Path) -> None:
    for locale in ("de", "ru"):
        write_list(tmp_path / "cv" / locale, "train", [("a", f"{locale}.mp3", "Ja")])
    lists = {"train": ["train"]}
    assert [u.id for u in read(tmp_path, locale="ru", lists=lists)] == ["ru"]
    with pytest.raises(
        ValueError, match=r"several folders have the lists: .*cv/de, .*cv/ru; set init_args\.locale"
    ):
        read(tmp_path, lists=lists)
    with pytest.raises(ValueError, match=r"no folder has train\.tsv; there are .*cv/de, .*cv/ru\. Unpack"):
        read(tmp_path, locale="fr", lists=lists)


def test_a_list_that_is_damaged_is_named_with_the_row(tmp_path: Path) -> None:
    write_list(tmp_path, "train", [("a", "a.mp3", "Ja")])
    with (tmp_path / "train.tsv").open("a") as lines:
        lines.write("a\tb.mp3\n\na\n")
    with pytest.raises(
        ValueError, match=r"row 2 has 2 cells, the header 8 \(line 3\).*\(faulty rows in all: 2\); give every"
    ):
        read(tmp_path, lists={"train": ["train"]})
    write_list(tmp_path, "train", [], ["client_id", "path", "text"])
    with pytest.raises(
        ValueError,
        match=r"train\.tsv: .*no column 'sentence', found 'client_id', 'path', 'text'; rename .*, or correct",
    ):
        read(tmp_path, lists={"train": ["train"]})


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"train": ["../de/train"]}, "without .tsv"),
        ({"train": ["train.tsv"]}, "without .tsv"),
        ({}, "no list"),
    ],
)
def test_lists_that_cannot_be_are_refused(lists: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CommonVoice.check_arguments(lists=lists)


def test_clips_in_mp3_become_rows_of_the_manifest(run: Run) -> None:
    for name in ("train", "dev", "test"):
        write_list(ROOT / "de", name, [(f"by {name}", f"{name}.mp3", "Ja")])
        write_noise(ROOT / "de" / "clips" / f"{name}.mp3", seconds=0.5)
    run(
        [], corpora=[{"class_path": "stages.corpora.common_voice.CommonVoice", "init_args": {"locale": "de"}}]
    )
    (row,) = rows_of("validation")
    assert (row["id"], row["text"], row["speaker"], row["language"]) == ("dev", "Ja", "by dev", "ga-IE")
    assert row["duration"] == pytest.approx(0.5, abs=0.1)
