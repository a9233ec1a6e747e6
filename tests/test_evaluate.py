"""The evaluate stage by itself."""

from pathlib import Path

import pytest
from training_project import training_project

from stages import evaluate, train
from stages.program.inputs import hash_file


def hashes() -> dict[Path, str]:
    return {path: hash_file(path) for path in Path("artifacts/train").rglob("*") if path.is_file()}


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluation_changes_nothing_that_training_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str
) -> None:
    project = training_project(tmp_path, monkeypatch)
    project.run(train)
    before = hashes()
    project.set({"evaluate.split": split})
    project.run(evaluate)
    assert Path("artifacts/evaluate/metrics.json").exists()
    assert hashes() == before
