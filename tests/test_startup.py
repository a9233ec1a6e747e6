"""What a stage has loaded when its work begins, and that it begins at all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.program.verdict import Verdict
from stages.schema.reading import read_document

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "flows" / "recipes" / "simple_ctc.yaml"
HEAVY = {
    "torch", "torchaudio", "lightning", "torchmetrics", "transformers", "scipy", "matplotlib",
    "audiomentations", "onnx", "onnxruntime", "pandas", "pyarrow", "datasets", "distributed", "sentencepiece",
    "jinja2",
}  # fmt: skip
# In a fresh process, with params that are known to be sound: the stage up to the first line of its work.
PROGRAM = """
import json, sys
from pathlib import Path
from stages import {stage}

def work(params, inputs):
    print(json.dumps(sorted(module.split(".")[0] for module in sys.modules)))

{stage}.STAGE.run(work, Path("params.yaml"))
"""
LOADED = {
    "manifest": {"pyarrow"},
    "features": {"torch", "torchaudio", "pyarrow"},
    "train": set(),
    "evaluate": {"torch", "pandas", "pyarrow"},
    "export": {"torch", "pyarrow"},
}
TRAINED = "train:\n  inputs: data/raw/trained"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with params that were checked, and with everything that the stages read."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "params.yaml").write_text(RECIPE.read_text())
    for name in ("data/raw/default", "data/raw/none", "data/manifest", "data/features", "artifacts/train"):
        (folder / name).mkdir(parents=True)
    (folder / "artifacts" / "train" / "best.ckpt").touch()
    run(folder, "-m", "stages.schema")
    return folder


def attempt(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run(folder: Path, *arguments: str) -> str:
    done = attempt(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def known(path: Path, trained: bool = False) -> Verdict:
    return Verdict(read_document(path), trained)


@pytest.mark.parametrize("stage", LOADED)
def test_a_stage_has_loaded_what_it_uses_and_no_more(project: Path, stage: str) -> None:
    loaded = set(json.loads(run(project, "-c", PROGRAM.format(stage=stage))))
    assert loaded & HEAVY <= LOADED[stage]


def test_a_file_that_is_known_to_be_sound_is_not_checked_again(project: Path) -> None:
    kept = project / ".scratch" / "checked"
    before = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert before
    assert "checked" in run(project, "-m", "stages.schema")
    assert {path.name: path.stat().st_mtime_ns for path in kept.iterdir()} == before
    run(project, "-m", "stages.schema", "--anew")
    after = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert after.keys() == before.keys()
    assert after != before


def test_a_verdict_is_of_the_params_and_of_what_parts_read(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    params, words = Path("params.yaml"), Path("data/raw/none/words.txt")
    assert known(params).is_known()
    words.write_text("zero\n")
    assert not known(params).is_known()
    words.unlink()
    written = params.read_text()
    params.write_text(f"# a comment is no value\n{written}")
    assert known(params).is_known()
    params.write_text(written.replace("lr: ", "lr: 2"))
    assert not known(params).is_known()
    params.write_text(written)


def test_what_works_on_a_trained_model_asks_for_nothing_of_what_that_was_made_from(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    params = Path("trained.yaml")
    params.write_text(Path("params.yaml").read_text().replace("train:\n  inputs: data/raw/none", TRAINED))
    Path("data/raw/trained").mkdir()
    known(params).keep()
    Path("data/raw/trained/lexicon.txt").touch()
    assert not known(params).is_known()
    assert known(params, trained=True).is_known()


def test_a_check_needs_no_place_to_keep_its_verdict(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(RECIPE.read_text())
    (tmp_path / ".scratch").write_text("no folder")
    for name in ("default", "none"):
        (tmp_path / "data" / "raw" / name).mkdir(parents=True)
    assert "checked" in run(tmp_path, "-m", "stages.commands.check")
