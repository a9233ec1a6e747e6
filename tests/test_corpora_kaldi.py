"""Kaldi data directories: what is read from each file, and what is rejected."""

from pathlib import Path

import pytest

from stages.corpora.corpus import Utterance
from stages.corpora.kaldi import Kaldi


def write(root: Path, **files: str) -> Path:
    folder = root / "data" / "train"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("wav_scp", "wav.scp")).write_text(content)
    return root


def read(root: Path) -> list[Utterance]:
    return list(Kaldi({"train": "data/train"}).utterances(root, root / "unused", seed=0))


def test_recordings_that_are_utterances(tmp_path: Path) -> None:
    write(
        tmp_path,
        wav_scp="a wav/my a.wav\nb /corpora/b.flac\n",
        text="b STOP\na GO  ON\n",
        utt2spk="a anna\nb bert\n",
    )
    assert read(tmp_path) == [
        Utterance("a", Path("wav/my a.wav"), "GO  ON", "train", "anna"),
        Utterance("b", Path("/corpora/b.flac"), "STOP", "train", "bert"),
    ]


def test_blank_lines_are_nothing(tmp_path: Path) -> None:
    write(tmp_path, wav_scp="\na a.wav\n \n", text="a GO\n\n\n")
    assert [(u.id, u.text) for u in read(tmp_path)] == [("a", "GO")]


def test_segments_are_spans_of_recordings(tmp_path: Path) -> None:
    write(
        tmp_path,
        wav_scp="call wav/call.wav\n",
        segments="call-1 call 0.5 2.0\ncall-2 call 2.0 -1\n",
        text="call-1 GO\ncall-2 STOP\n",
    )
    assert [(u.id, u.audio, u.offset_seconds, u.duration_seconds, u.speaker) for u in read(tmp_path)] == [
        ("call-1", Path("wav/call.wav"), 0.5, 1.5, None),
        ("call-2", Path("wav/call.wav"), 2.0, None, None),
    ]


def test_every_split_has_its_directory(tmp_path: Path) -> None:
    for name in ("train", "dev"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        (folder / "wav.scp").write_text(f"{name}1 {name}.wav\n")
        (folder / "text").write_text(f"{name}1 GO\n")
    corpus = Kaldi({"train": "data/train", "validation": "data/dev"})
    found = list(corpus.utterances(tmp_path, tmp_path, seed=0))
    assert [(u.id, u.split) for u in found] == [("train1", "train"), ("dev1", "validation")]


@pytest.mark.parametrize(
    ("files", "name", "reason"),
    [
        ({"wav_scp": "a a.wav\nb b.wav\n", "text": "a GO\n"}, "b", "no line in text"),
        (
            {"wav_scp": "a a.wav\n", "text": "a GO\nb GO\n"},
            "b",
            "the utterance is neither in segments nor a recording in wav.scp",
        ),
        (
            {"wav_scp": "a a.wav\n", "text": "x GO\n", "segments": "x c 0 1\n"},
            "x",
            "the recording is not in wav",
        ),
        ({"wav_scp": "a a.wav\n", "text": "a GO\n", "utt2spk": ""}, "a", "no line in utt2spk"),
        (
            {"wav_scp": "a a.wav\n", "text": "a GO\n", "utt2spk": "a A\nghost A\n"},
            "ghost",
            "the utterance is neither in segments nor a recording in wav.scp",
        ),
    ],
)
def test_what_the_files_do_not_agree_on_is_a_rejected_row(
    tmp_path: Path, files: dict[str, str], name: str, reason: str
) -> None:
    problems = {u.id: u.problem for u in read(write(tmp_path, **files))}
    assert problems.pop(name, ("", ""))[0].startswith(reason)
    assert set(problems.values()) <= {None}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"wav_scp": "a a.wav\nb sph2pipe -f wav b.sph |\n"},
            r"wav\.scp: .*line 2: b is a command, which is never run",
        ),
        ({"wav_scp": "a | cat\n"}, r"wav\.scp: .*line 1: a is a command"),
        ({"wav_scp": "a raw/wav.1.ark:1234\n"}, r"wav\.scp: .*line 1: a is a place in an archive"),
        ({"wav_scp": "a -\n"}, r"a is a place in an archive or stream"),
        ({"wav_scp": "a\n"}, r"wav\.scp: .*line 1: a is not a file"),
        ({"wav_scp": "a a.wav\na b.wav\n"}, r"wav\.scp: .*line 2: a already has a line"),
        (
            {"wav_scp": "a x |\n\nb b.wav\nc y |\na a.wav\na a.wav\n"},
            r"line 1: a is a .*; line 4: .*; line 6: a already .* \(faulty lines in all: 3\); correct or",
        ),
        (
            {"wav_scp": "a a.wav\n"},
            r"text: no such file; put the data directory there, or correct init_args\.folders",
        ),
        ({}, r"wav\.scp: no such file"),
        (
            {"wav_scp": "a a.wav\n", "segments": "x a 0 end\n", "text": ""},
            r"segments: .*line 1: expected .*'x a 0 end'",
        ),
        (
            {"wav_scp": "a a.wav\n", "segments": "x a 0 1 A\n", "text": ""},
            r"segments: .*line 1: .*channels cannot",
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_file_and_line(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read(write(tmp_path, **files))


def test_a_command_in_the_data_is_never_run(tmp_path: Path) -> None:
    write(tmp_path, wav_scp=f"a touch {tmp_path}/ran |\n", text="a GO\n")
    with pytest.raises(ValueError, match="run it yourself"):
        read(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_directories_outside_the_root_are_refused() -> None:
    for folder in ("/data/train", "../train"):
        with pytest.raises(ValueError, match=r"folders must be in manifest\.root"):
            Kaldi.check_arguments({"train": folder})
