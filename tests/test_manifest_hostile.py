"""Damaged, odd and hostile files in manifest and features: every row is accounted for."""

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from features_project import LOG_MEL, WAVEFORM
from hostile_corpus import ADMITTED, FOLDER, FORMATS, HERTZ, KINDS, NOT_UTF_8, build, silence
from manifest_project import ROOT, SPLITS, Row, one_in_each_split, rows_of
from ruamel.yaml import YAML

from stages import features, manifest
from stages.audio import recording
from stages.audio.inspection import inspect_recording
from stages.preflight.reading import read_params
from stages.program.inputs import Inputs

PROJECT = Path(__file__).parents[1]
RECIPE = PROJECT / "flows" / "recipes" / "simple_ctc.yaml"
TABLE = {"class_path": "stages.corpora.table.Table", "init_args": {"path": "manifest.json"}}
NAMED = {
    "class_path": "stages.corpora.audio_folder.AudioFolder",
    "init_args": {"folder": FOLDER, "speaker_from_folder": True},
    "limit": {"train": 10},
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """The folder of a project after manifest and features, and the paths that these opened."""
    folder = tmp_path_factory.mktemp("hostile")
    paths: set[str] = set()
    real = os.open

    def spy(path: Any, *arguments: Any, **named: Any) -> int:
        paths.add(os.path.abspath(path))
        return real(path, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(recording.os, "open", spy)
        (folder / "secret.wav").write_bytes(b"not for reading")
        run_both(folder)
        yield paths


def run_both(folder: Path) -> None:
    ROOT.mkdir(parents=True)
    rows = [*build(ROOT), *one_in_each_split()]
    # After a byte order mark, and with blank lines.
    text = "\ufeff" + "\n\n".join(json.dumps(row) for row in rows)
    (ROOT / "manifest.json").write_text(text, encoding="utf-8")
    document = YAML(typ="safe", pure=True).load(RECIPE.read_text(encoding="utf-8"))
    document["manifest"].update(root=str(ROOT), corpora=[TABLE, NAMED], max_rejected=0.9, carve={})
    document["features"]["frontend"], document["train"]["frontend"] = WAVEFORM, LOG_MEL
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(document, stream)
    params = read_params(folder / "params.yaml")
    manifest.run(params, Inputs([]))
    features.run(params, Inputs([]))


@pytest.fixture(scope="module")
def admitted(opened: set[str]) -> dict[str, Row]:
    return {row["id"]: row for row in rows_of("train")}


@pytest.fixture(scope="module")
def rejected(opened: set[str]) -> dict[str, Row]:
    return {row["id"]: row for row in rows_of("rejected")}


@pytest.fixture(scope="module")
def samples(opened: set[str]) -> dict[str, Any]:
    """The waveform of every row, made by the features stage."""
    shards = [path for path in Path("data/features/train").rglob("*.parquet") if path.name != "index.parquet"]
    rows = [row for path in shards for row in pq.read_table(path, partitioning=None).to_pylist()]
    return {row["id"]: np.frombuffer(row["values"], np.int16) for row in rows}


def test_there_are_enough_kinds() -> None:
    assert len(KINDS) >= 100


def test_every_row_is_accounted_for_once(admitted: dict[str, Row], rejected: dict[str, Row]) -> None:
    assert not set(admitted) & set(rejected)
    assert {*admitted, *rejected} == {*KINDS, *NOT_UTF_8, "train.wav"}
    assert [len(rows_of(split)) for split in SPLITS[1:]] == [1, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_each_has_its_fate(kind: str, admitted: dict[str, Row], rejected: dict[str, Row]) -> None:
    if KINDS[kind].fate == ADMITTED:
        assert kind in admitted, rejected[kind]
    else:
        assert re.search(KINDS[kind].fate, rejected[kind]["reason"]), rejected[kind]
        assert len(rejected[kind]["value"]) < 400


@pytest.mark.parametrize("name", NOT_UTF_8)
def test_a_name_that_is_not_utf_8_is_escaped_where_its_file_is_rejected(
    name: str, rejected: dict[str, Row]
) -> None:
    assert "not UTF-8" in rejected[name]["reason"]
    assert rejected[name]["value"] == name


def test_every_admitted_row_has_features(admitted: dict[str, Row], samples: dict[str, Any]) -> None:
    assert set(samples) == set(admitted)
    for kind, row in admitted.items():
        assert len(samples[kind]) == pytest.approx(row["duration"] * 16000, abs=1), kind


@pytest.mark.parametrize("kind", FORMATS)
def test_a_tone_keeps_its_pitch_and_its_level_in_every_format(kind: str, samples: dict[str, Any]) -> None:
    found = samples[kind][500:3500].astype(float) / 32767
    spectrum = np.abs(np.fft.rfft(found * np.hanning(len(found))))
    assert np.argmax(spectrum) * 16000 / len(found) == pytest.approx(HERTZ, abs=6)
    assert np.abs(found).max() == pytest.approx(0.5, abs=0.06)


def test_no_path_out_of_the_root_is_opened_but_what_a_row_names_absolutely(opened: set[str]) -> None:
    inside = (str(Path.cwd() / "data"), "/dev/")
    assert [path for path in opened if not path.startswith(inside)] == []
    assert str(Path.cwd() / "secret.wav") not in opened


def test_no_text_of_the_corpus_is_markup_in_the_report(admitted: dict[str, Row]) -> None:
    page = Path("data/manifest/report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert html.escape("<script>") in page
    assert not set(page) & {chr(code) for code in (*range(9), *range(14, 32), 0x202E, 0x200B, 0xFEFF)}


def test_a_second_run_gives_the_same_bytes(opened: set[str]) -> None:
    names = [*(f"{split}.json" for split in SPLITS), "rejected.json", "report.html"]
    first = {name: Path("data/manifest", name).read_bytes() for name in names}
    manifest.run(read_params(Path("params.yaml")), Inputs([]))
    assert {name: Path("data/manifest", name).read_bytes() for name in names} == first


def test_what_unpacks_to_more_than_anybody_waits_for_is_not_decoded_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.flac"
    path.write_bytes(silence(1, "FLAC", "PCM_16"))
    monkeypatch.setattr(recording, "MAX_VALUES", 10**6)
    with pytest.raises(ValueError, match="more than 1000000 samples in all channels"):
        inspect_recording(path)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process's memory is read from /proc")
def test_hours_of_audio_are_inspected_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.flac"
    path.write_bytes(silence(8, "FLAC", "PCM_16"))
    assert path.stat().st_size < 2e6
    script = (
        "import re, sys; from pathlib import Path\n"
        "from stages.audio.inspection import inspect_recording\n"
        "print(inspect_recording(Path(sys.argv[1])).duration_seconds)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    seconds, kilobytes = map(float, done.stdout.split())
    assert seconds == 8 * 3600
    assert kilobytes < 200_000


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(next(iter(FORMATS.values())).make())  # type: ignore[misc]

    def edit(*arguments: Any) -> Any:
        with path.open("ab") as stream:
            stream.write(b"more")
        return real(*arguments)

    real = recording.decode
    monkeypatch.setattr("stages.audio.inspection.decode", edit)
    with pytest.raises(ValueError, match="the file changed while it was read"):
        inspect_recording(path)
