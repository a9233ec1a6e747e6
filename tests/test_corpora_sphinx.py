"""The Sphinx layout: lists, transcriptions and their markers, and faulty corpora."""

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from stages import manifest
from stages.corpora.corpus import Utterance
from stages.corpora.sphinx import Sphinx
from stages.preflight.reading import read_params
from stages.program.inputs import Inputs
from stages.schema.manifest_row import read_manifest

AN4 = Path(__file__).parents[2] / "shared" / "data" / "an4"
needs_an4 = pytest.mark.skipif(
    not AN4.is_dir(), reason="the training part of AN4 is not in ../shared/data/an4"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A corpus of two speakers with a train list only."""
    (tmp_path / "etc").mkdir()
    write_list(
        tmp_path, "an4_train", ["clstk/fash/a1", "clstk/mmxg/b1"], ["<s> YES </s> (a1)", "<s> GO </s> (b1)"]
    )
    return tmp_path


def write_list(root: Path, name: str, fileids: list[str], transcriptions: list[str]) -> None:
    (root / "etc" / f"{name}.fileids").write_text("\n".join(fileids) + "\n")
    (root / "etc" / f"{name}.transcription").write_text("\n".join(transcriptions) + "\n")


def read(root: Path, corpus: Sphinx | None = None) -> list[Utterance]:
    return list((corpus or Sphinx()).utterances(root, root / "unused", seed=0))


def test_an_utterance_is_named_by_its_fileid_and_spoken_by_its_folder(root: Path) -> None:
    assert read(root)[0] == Utterance(
        id="clstk/fash/a1",
        audio=Path("wav/clstk/fash/a1.wav"),
        text="YES",
        split="train",
        speaker="fash",
    )


def test_a_fileid_without_folder_has_no_speaker(root: Path) -> None:
    write_list(root, "an4_train", ["a1"], ["YES (a1)"])
    assert read(root)[0].speaker is None


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("<s> YES </s> (a1)", "YES"),
        ("YES (a1)", "YES"),
        ("<s> A <sil> B </s> (a1)", "A B"),
        ("<s> ++BREATH++ TWO ++NOISE++ [COUGH] </s> (a1)", "TWO"),
        ("<s> THE(2) FEBRUARY(3) </s> (a1)", "THE FEBRUARY"),
        ("<s> Mixed case, isn't it? </s> (a1)", "Mixed case, isn't it?"),
        ("<s> </s> (a1)", ""),
        ("(a1)", ""),
    ],
)
def test_markers_are_left_out_and_words_stay_as_they_are(root: Path, line: str, text: str) -> None:
    write_list(root, "an4_train", ["clstk/fash/a1"], [line])
    assert [utterance.text for utterance in read(root)] == [text]


def test_transcriptions_are_found_by_id_in_whatever_order_they_stand(root: Path) -> None:
    write_list(root, "an4_train", ["s/a1", "s/b1"], ["GO (b1)", "YES (a1)"])
    assert [(u.id, u.text) for u in read(root)] == [("s/a1", "YES"), ("s/b1", "GO")]


def test_whole_fileids_tell_equal_names_in_two_folders_apart(root: Path) -> None:
    write_list(root, "an4_train", ["s/1", "t/1"], ["YES (s/1)", "GO (t/1)"])
    assert [(u.id, u.text) for u in read(root)] == [("s/1", "YES"), ("t/1", "GO")]


def test_every_list_gives_its_split(root: Path) -> None:
    write_list(root, "mine", ["clstk/test/c1"], ["NO (c1)"])
    found = read(root, Sphinx(lists={"train": "an4_train", "validation": "mine"}, audio_extension=".flac"))
    assert [(u.split, u.audio.suffix) for u in found] == [("train", ".flac")] * 2 + [("validation", ".flac")]


def test_a_split_without_a_list_is_left_out_and_said_so(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {utterance.split for utterance in read(root)} == {"train"}
    assert (
        "an4_test.fileids: no such file, so split test is left to manifest.carve" in capsys.readouterr().err
    )


def test_a_fileid_without_transcription_has_an_empty_text_for_the_manifest_to_reject(root: Path) -> None:
    write_list(root, "an4_train", ["s/a1", "s/b1"], ["YES (a1)"])
    assert [(u.id, u.text) for u in read(root)] == [("s/a1", "YES"), ("s/b1", "")]


@pytest.mark.parametrize("absent", ["fileids", "transcription"])
def test_without_its_train_list_a_corpus_cannot_be_read(root: Path, absent: str) -> None:
    (root / "etc" / f"an4_train.{absent}").unlink()
    with pytest.raises(ValueError, match=rf"etc/an4_train\.{absent}: no such list; put the corpus"):
        read(root)


def test_half_a_test_list_is_an_error_and_no_absent_list(root: Path) -> None:
    (root / "etc" / "an4_test.fileids").write_text("s/c1\n")
    with pytest.raises(ValueError, match=r"an4_test\.transcription: no such list"):
        read(root)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["YES (a1)", "", "GO (x9)"], r"an4_train\.transcription, line 3: x9 is not in .*an4_train\.fileids"),
        (["YES (a1)", "GO"], r"line 2: no utterance id, as in 'WORDS \(id\)', at the end of: GO"),
        (["YES (a1)", "GO (a1)"], r"line 2: a1 already has a transcription on line 1"),
        (
            ["YES", "GO (b1)", "NO"],
            r"line 1: no utterance id.* of: YES; line 3: .*: NO \(faulty lines in all: 2\)",
        ),
        (["YES (x1)", "GO (b1)", "NO (x2)"], r"line 1: x1 is not in .*\(faulty lines in all: 2\); add them"),
    ],
)
def test_a_faulty_transcription_is_named_by_file_and_line(root: Path, lines: list[str], message: str) -> None:
    write_list(root, "an4_train", ["s/a1", "s/b1"], lines)
    with pytest.raises(ValueError, match=message):
        read(root)


def test_a_transcription_that_may_belong_to_two_recordings_is_an_error(root: Path) -> None:
    write_list(root, "an4_train", ["s/1", "t/1"], ["YES (1)"])
    with pytest.raises(
        ValueError, match=r"line 1: \(1\) may belong to s/1 or to t/1 .*; write the complete fileid"
    ):
        read(root)


def test_a_list_in_another_encoding_is_named(root: Path) -> None:
    (root / "etc" / "an4_train.transcription").write_bytes("ÄH (a1)\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"an4_train\.transcription: not UTF-8 text"):
        read(root)


@needs_an4
def test_an4_has_948_utterances_of_74_speakers() -> None:
    found = read(AN4)
    assert len(found) == len({utterance.id for utterance in found}) == 948
    assert len({utterance.speaker for utterance in found}) == 74
    assert all((AN4 / utterance.audio).is_file() for utterance in found)
    assert set("".join(utterance.text for utterance in found)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ' ")
    assert {u.id: u.text for u in found}["an4_clstk/mwhw/cen8-mwhw-b"] == "ELEVEN SEVENTEEN FIFTY ONE"


@needs_an4
def test_an4_without_its_test_list_is_divided_by_speaker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_params: Callable[..., Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus = {"class_path": "stages.corpora.sphinx.Sphinx"}
    changes = {"root": str(AN4), "corpora": [corpus], "carve": {"validation": 0.1, "test": 0.1}}
    params = read_params(write_params({f"manifest.{key}": value for key, value in changes.items()}))
    manifest.run(params, Inputs([]))
    rows = {
        split: read_manifest(Path(f"data/manifest/{split}.json")) for split in ("train", "validation", "test")
    }
    speakers = {split: {row.speaker for row in found} for split, found in rows.items()}
    assert sum(map(len, rows.values())) == 948
    assert sum(map(len, speakers.values())) == 74
    assert len(speakers["train"]) > 50
    first = rows["test"][0]
    assert soundfile.info(first.audio_filepath).duration == first.duration
