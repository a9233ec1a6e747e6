"""The evaluate stage for chords."""

from pathlib import Path

import pytest
from training_project import Project, recipe_project, table

from stages import evaluate, features, manifest, train

RECIPE = Path(__file__).parents[1] / "flows" / "recipes" / "chords.yaml"
TYPES = ["augmented", "major", "min7", "6"]
COUNTS = {"num_train": 12, "num_validation": 6, "num_test": 12}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A barely trained model with four types."""
    made = recipe_project(tmp_path, monkeypatch, RECIPE)
    corpus = "stages.corpora.synthesized_chords.SynthesizedChords"
    encoder = {"class_path": "stages.models.simple_ctc.SimpleCTC", "init_args": {"hidden_size": 4}}
    metric = {"bass_is_root": 0.6, "types": TYPES}
    made.set({
        "manifest.corpora": [{"class_path": corpus, "init_args": {**COUNTS, "types": TYPES}}],
        "features.executor.num_processes": 1,
        "train.tokens.init_args": {"types": TYPES},
        "train.task.init_args": {"encoder": encoder},
        "train.trainer": {"max_epochs": 1, "accelerator": "cpu", "enable_model_summary": False},
        "evaluate.metrics": [
            {"class_path": "stages.metrics.chord_accuracy.ChordAccuracy", "init_args": metric}
        ],
    })  # fmt: skip
    return made


def test_the_types_that_nobody_can_tell_apart_stand_beside_what_was_told_apart(project: Project) -> None:
    for stage in (manifest, features, train, evaluate):
        project.run(stage)
    found = project.json("artifacts/evaluate/metrics.json")
    assert found["chord_type_acc"] <= found["chord_type_top3_acc"] <= 1.0
    assert 0.8 < found["chord_type_acc_ceiling"] < 1.0
    rows = table(Path("artifacts/evaluate/classes.csv"))
    types = {row["class"]: row["indistinguishable_from"] for row in rows if row["kind"] == "chord_type"}
    likenesses = {"major": "", "augmented": "itself on other roots", "min7": "6", "6": "min7"}
    assert types == {name: likenesses[name] for name in types}
    assert {"6", "min7"} <= set(types)
    assert all(row["indistinguishable_from"] == "" for row in rows if row["kind"] != "chord_type")
    assert (project.folder / "artifacts" / "train" / "validation" / "chord_acc.csv").exists()
