"""The export stage: it writes the same bytes every time, and nothing if a format fails."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from export_project import Exported, exported_once, make_checkpoint, run_stage

from stages.formats import onnx_graph
from stages.formats.format import Format
from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe
from stages.tasks.task import Task


@pytest.fixture
def simple() -> Exported:
    return exported_once("SimpleCTC")


def test_same_checkpoint_gives_the_same_bytes(simple: Exported, tmp_path: Path) -> None:
    make_checkpoint(tmp_path, "SimpleCTC")
    again = run_stage(tmp_path).bundle
    names = sorted(path.name for path in again.iterdir())
    assert names == ["card.json", "model.onnx", "tokens.json"]
    for name in names:
        assert (again / name).read_bytes() == (simple.bundle / name).read_bytes(), name


@pytest.fixture
def broken_graph(monkeypatch: pytest.MonkeyPatch, simple: Exported) -> None:
    """An exporter that writes the SimpleCTC model with one weight changed."""
    graph = onnx.load(simple.bundle / "model.onnx")
    head = next(tensor for tensor in graph.graph.initializer if tensor.name.endswith("head.bias"))
    bias = onnx.numpy_helper.to_array(head) + np.array([0.5, 0, 0, 0, 0], np.float32)
    head.CopyFrom(onnx.numpy_helper.from_array(bias, head.name))
    monkeypatch.setattr(onnx_graph, "export_graph", lambda _, path: onnx.save(graph, path))


@pytest.mark.usefixtures("broken_graph")
def test_a_model_that_computes_otherwise_fails_the_stage_and_leaves_no_output(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, "SimpleCTC")
    with pytest.raises(
        ValueError, match=r"differ by 0\.\d+ \(tolerance 0\.0001\) at \d+ samples, batch size [13]"
    ):
        run_stage(tmp_path)
    assert not (tmp_path / "artifacts" / "export").exists()


class Note(Format):
    """Writes note.txt."""

    def write(self, recipe: Recipe, task: Task, folder: Path) -> None:
        (folder / "note.txt").write_text("a note")


def test_two_formats_cannot_write_one_file(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, "SimpleCTC")
    note = Part(class_path=f"{__name__}.Note")
    assert [path.name for path in run_stage(tmp_path, [note]).bundle.iterdir()] == ["note.txt"]
    with pytest.raises(ValueError, match=r"export\.formats\[1\]: .*Note writes note\.txt"):
        run_stage(tmp_path, [note, note])


def test_no_format_leaves_an_empty_folder(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, "SimpleCTC")
    assert list(run_stage(tmp_path, []).bundle.iterdir()) == []
