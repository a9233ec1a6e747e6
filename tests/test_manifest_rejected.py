"""What the manifest stage rejects, with which reason and value, and that other rows are not affected."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from manifest_project import (
    ROOT,
    SAMPLE_RATE,
    Row,
    Run,
    judged,
    one_in_each_split,
    recorded,
    rows_of,
)
from params_document import check_here

from stages import manifest
from stages.corpora.corpus import Utterance
from stages.preflight.reading import read_params


def rejected() -> list[Row]:
    return rows_of("rejected")


def encoded(container: str, seconds: float = 0.5, gain: float = 1.0, share: float = 1.0, **how: Any) -> bytes:
    """The first ``share`` of the bytes of a file."""
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
    "path out of the root": ({"audio_filepath": "../a.wav"}, "is outside manifest.root", "../a.wav"),
    "no path": ({"audio_filepath": None}, "no audio file is named", "GO"),
    "unknown split": ({"split": "dev"}, "not in manifest.splits", "dev"),
    "negative offset": ({"offset": -0.1}, "exceed the recording", "-0.1 s"),
    "offset behind the end": ({"offset": 0.3}, "exceed the recording", "0.3 s"),
    "longer than the recording": ({"duration": 0.3}, "exceed the recording", "0.3 s of 0.2 s"),
    "no duration": ({"duration": 0.0}, "exceed the recording", "0.0 s of 0.2 s"),
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


def test_an_id_whose_first_row_is_rejected_is_still_to_be_had(run: Run) -> None:
    bad = {"id": "one", "audio_filepath": "none.wav", "text": "GO", "split": "train"}
    again = [recorded(f"{name}.wav", id="one", split="train") for name in "ab"]
    run([*one_in_each_split(), bad, *again])
    assert [Path(row["audio_filepath"]).name for row in rows_of("train")] == ["a.wav", "train.wav"]
    assert [row["reason"][:13] for row in rejected()] == ["cannot read t", "duplicated id"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"speaker": 7}, "speaker: Input should be a valid string"),
        ({"offset_seconds": float("nan")}, "offset and duration exceed the recording"),
        ({"audio": Path("a\0b.wav")}, "embedded null byte"),
    ],
)
def test_what_a_faulty_corpus_yields_is_rejected_too(
    run: Run, write_params: Callable[..., Path], change: Row, reason: str
) -> None:
    recorded("a.wav", seconds=1.0)
    bad = replace(Utterance(id="bad", audio=Path("a.wav"), text="GO", split="train"), **change)
    settings = read_params(write_params({})).manifest
    splits, rejects = judged([bad], settings, ROOT, Path("data/manifest"))
    assert [row.id for row in rejects] == ["bad"]
    assert reason in rejects[0].reason
    assert splits["train"] == []


@pytest.mark.parametrize("keys", [{}, {"limit": {"train": 100}}, {"id_prefix": "x/", "repeat": 1}])
def test_what_has_a_name_that_is_not_utf_8_is_rejected_and_the_others_go_on(run: Run, keys: Row) -> None:
    # Latin-1, as old archives have it; Python reads each such byte as a lone surrogate.
    for number, name in enumerate([b"Ann/a", b"Ann/caf\xe9", b"Bob/a", b"Zo\xeb/a"]):
        path = ROOT / "old" / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        recorded(f"{number}.wav")
        (ROOT / f"{number}.wav").rename(f"{path}.wav")
        Path(f"{path}.txt").write_text("GO")
    init_args = {"folder": "old", "speaker_from_folder": True}
    old = {"class_path": "stages.corpora.audio_folder.AudioFolder", "init_args": init_args, **keys}
    table = {"class_path": "stages.corpora.table.Table", "init_args": {"path": "manifest.json"}}
    run(one_in_each_split(), corpora=[table, old])
    prefix = keys.get("id_prefix", "")
    assert {row["id"] for row in rows_of("train")} == {
        f"{prefix}old/Ann/a.wav", f"{prefix}old/Bob/a.wav", "train.wav"
    }  # fmt: skip
    reason = "id: not UTF-8; rename the file, or correct the list"
    names = [rf"{prefix}old/Ann/caf\udce9.wav", rf"{prefix}old/Zo\udceb/a.wav"]
    assert rejected() == [{"id": name, "reason": reason, "value": name} for name in names]


def test_no_text_of_the_data_steers_a_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"id": "a\x1b[2J\u202eb\nc", "audio_filepath": "none.wav", "text": "GO", "split": "train"}
    with pytest.raises(ValueError, match=r"First: a\\x1b\[2J\\u202eb\\nc: cannot read"):
        run([*one_in_each_split(), bad], max_rejected=0.0)
    (ROOT / "manifest.json").write_text('{"text": ["\x9b2J\u202e"]}\n', encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["manifest"])
    check_here(Path("params.yaml"))
    with pytest.raises(SystemExit) as stopped:
        manifest.STAGE.main(manifest.run, None)
    assert r"found ['\x9b2J\u202e']" in str(stopped.value.code)


def test_as_many_rejects_as_allowed_are_allowed_though_floating_point_is_off(run: Run) -> None:
    bad = [{"audio_filepath": f"{n}.wav", "text": "GO", "split": "train"} for n in range(30)]
    long = recorded("long.wav", seconds=3.0, split="train", speaker="A", duration=0.04)
    good = [*(long | {"offset": n / 25} for n in range(68)), *one_in_each_split()]
    run([*bad[:29], *good], max_rejected=0.29)
    assert len(rejected()) == 29
    with pytest.raises(ValueError, match=r"30 of 100 utterances were rejected, .* allows 29\.00%"):
        run([*bad, *good[1:]], max_rejected=0.29)


def test_more_rejects_than_allowed_stop_the_stage_and_are_listed(run: Run) -> None:
    rows = [*one_in_each_split(), {"id": "bad", "audio_filepath": "none.wav", "text": "GO", "split": "train"}]
    run(rows, max_rejected=0.25)
    with pytest.raises(ValueError, match=r"1 of 4 .* allows 24\.00%.* First: bad: cannot read the file"):
        run(rows, max_rejected=0.24)
    assert "none.wav" in Path("data/manifest.partial/rejected.json").read_text()
