"""DVC's plots of a training."""

from pathlib import Path

import pytest
from training_project import Project, table, training_project

from stages import train


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def test_each_metric_of_a_validation_has_a_file_that_dvc_plots(project: Project) -> None:
    project.run(train)
    folder = project.folder / "artifacts" / "train" / "validation"
    assert {path.name for path in folder.iterdir()} == {"wer.csv", "cer.csv", "blank_ratio.csv"}
    found = table(folder / "cer.csv")
    assert list(found[0]) == ["epoch", "step", "val_cer"]  # without a y, DVC plots the last column
    assert found == [
        {name: row[name] for name in found[0]}
        for row in table(project.folder / "artifacts" / "train" / "history.csv")
    ]


def test_a_metric_that_is_no_longer_measured_leaves_no_file(project: Project) -> None:
    stale = project.folder / "artifacts" / "train" / "validation" / "per.csv"
    stale.parent.mkdir(parents=True)
    stale.write_text("epoch,step,val_per\n")
    project.run(train)
    assert not stale.exists()
