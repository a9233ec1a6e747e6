"""The notebooks run from a fresh copy of the project, offline, and name no machine."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "flows" / "notebooks" / "train_from_pretrained.ipynb"
BETTER = 'assert curves["fine-tuned"]["val_loss"][0] < curves["from scratch"]["val_loss"][0]'


def test_a_notebook_names_no_machine() -> None:
    content = NOTEBOOK.read_text(encoding="utf-8")
    assert [trace for trace in ("/home/", "/root/", "/tmp/", "/work/", str(ROOT)) if trace in content] == []


@pytest.mark.slow
def test_fine_tuning_in_the_notebook_starts_better_than_scratch(tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    for name in ("stages", "flows"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    notebook = nbformat.read(tmp_path / NOTEBOOK.relative_to(ROOT), as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(BETTER))
    folder = {"metadata": {"path": str(tmp_path / "flows" / "notebooks")}}
    nbclient.NotebookClient(notebook, timeout=1200, resources=folder).execute()
    *_, curves, _, heard, _ = notebook.cells
    assert "image/png" in curves.outputs[0].data
    shown = heard.outputs[-1].data["text/plain"]
    assert "target" in shown
    assert "predicted" in shown
