"""What the recipes reach, and that it is learning: minutes each (pytest -m slow)."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.schema.manifest_row import read_manifest, write_rows

pytestmark = pytest.mark.slow
Metrics = dict[str, Any]


@pytest.fixture
def run_stages(tmp_path: Path, write_params: Callable[..., Path]) -> Callable[..., None]:
    """Runs stages of a recipe as programs, in a folder of their own."""
    for folder in ("default", "none"):
        (tmp_path / "data" / "raw" / folder).mkdir(parents=True)

    def run(recipe: str, *stages: str, changes: dict[str, Any] | None = None) -> None:
        write_params(changes or {}, recipe=recipe)
        for stage in stages:
            subprocess.run([sys.executable, "-m", f"stages.{stage}"], cwd=tmp_path, check=True)

    return run


def metrics(project: Path) -> Metrics:
    found: Metrics = json.loads((project / "artifacts" / "evaluate" / "metrics.json").read_text())
    return found


def losses(project: Path) -> list[float]:
    """Of every validation."""
    with (project / "artifacts" / "train" / "history.csv").open() as lines:
        return [float(row["val_loss"]) for row in csv.DictReader(lines)]


def shuffle_transcripts(manifest: Path) -> None:
    """Give the training utterances one another's transcripts: what is left to learn is leakage."""
    rows = read_manifest(manifest)
    order = np.random.default_rng(0).permutation(len(rows))
    write_rows(
        manifest, [row.model_copy(update={"text": rows[i].text}) for row, i in zip(rows, order, strict=True)]
    )


def test_simple_ctc_learns_the_tones(tmp_path: Path, run_stages: Callable[..., None]) -> None:
    run_stages("simple_ctc", "manifest", "features", "train", "evaluate", "export")
    assert metrics(tmp_path)["cer"] <= 0.05


def test_spoken_numbers_of_unseen_voices_are_recognised(
    tmp_path: Path, run_stages: Callable[..., None]
) -> None:
    run_stages("spoken_numbers", "manifest", "features", "train", "evaluate", "export")
    assert metrics(tmp_path)["wer"] <= 0.05


@pytest.mark.parametrize(("recipe", "bound"), [("deepspeech2", 0.05), ("las", 0.05), ("tds", 0.10)])
def test_other_systems_recognise_spoken_numbers_of_unseen_voices(
    tmp_path: Path, run_stages: Callable[..., None], recipe: str, bound: float
) -> None:
    run_stages(recipe, "manifest", "features", "train", "evaluate", "export")
    assert metrics(tmp_path)["wer"] <= bound


def test_phonemes_of_russian_in_unseen_voices_are_recognised(
    tmp_path: Path, run_stages: Callable[..., None]
) -> None:
    run_stages("phonemes_tiny", "manifest", "features", "train", "evaluate", "export")
    assert metrics(tmp_path)["per"] <= 0.25


def test_spoken_numbers_with_shuffled_transcripts_are_not_learned(
    tmp_path: Path, run_stages: Callable[..., None]
) -> None:
    run_stages("spoken_numbers", "manifest")
    shuffle_transcripts(tmp_path / "data" / "manifest" / "train.json")
    run_stages("spoken_numbers", "features", "train", "evaluate")
    assert metrics(tmp_path)["wer"] > 0.80


def test_an_lstm_recognises_unseen_voices_and_fine_tuning_it_starts_better_than_scratch(
    tmp_path: Path, run_stages: Callable[..., None]
) -> None:
    run_stages("lstm_ctc", "manifest", "features", "train", "evaluate", "export")
    assert metrics(tmp_path)["wer"] <= 0.10
    inputs = tmp_path / "data" / "raw" / "pretrained"
    inputs.mkdir()
    shutil.copy(tmp_path / "artifacts" / "export" / "lightning.ckpt", inputs)
    run_stages("lstm_ctc_finetune", "manifest", "features")
    run_stages("lstm_ctc_finetune", "train", changes={"train.init_from": None})
    scratch = losses(tmp_path)
    run_stages("lstm_ctc_finetune", "train", "evaluate", "export")
    fine_tuned = losses(tmp_path)
    assert fine_tuned[0] < scratch[0] / 2
    assert fine_tuned[0] < min(scratch)


def test_chords_of_unheard_instruments_tunings_and_voicings_are_recognised(
    tmp_path: Path, run_stages: Callable[..., None]
) -> None:
    run_stages("chords", "manifest", "features", "train", "evaluate", "export")
    found = metrics(tmp_path)
    assert found["bass_note_acc"] >= 0.95
    assert found["root_acc"] >= 0.82
    assert found["chord_type_acc"] >= 0.84
    assert found["chord_type_acc_ceiling"] == pytest.approx(0.9375)
    assert found["root_acc_ceiling"] == pytest.approx(0.9135, abs=1e-4)
