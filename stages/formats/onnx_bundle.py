"""ONNX from raw waveform to log-probabilities, including the frontend.

B batch, N samples, T frames, F features, T' output frames, V vocabulary.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.formats.format import Format
from stages.formats.runtime import CARD_VERSION
from stages.formats.waveform_model import WaveformModel
from stages.models.encoder import Encoder
from stages.schema.quantities import PositiveFloat
from stages.tasks.checkpoint import Recipe
from stages.tasks.task import Task

if TYPE_CHECKING:
    from onnxscript import ir


class OnnxBundle(Format):
    """``model.onnx``, ``card.json`` and ``tokens.json``: all that a runtime without torch needs.

    The graph takes waveforms (B, N), float32 in [-1, 1] at the card's sample rate, and lengths (B,),
    int64 in samples from 1 to N; it returns log-probabilities (B, T', V), float32, and frame counts (B,),
    int64. Samples beyond a length are ignored. The same checkpoint gives the same bytes.

    ``write`` compares the file with PyTorch at three lengths and two batch sizes, and raises ValueError if a
    log-probability differs by more than ``tolerance`` (below -1: by that fraction of its value, since
    trained models give unlikely tokens log-probabilities around -60).
    """

    def __init__(self, tolerance: PositiveFloat = 1e-4) -> None:
        self.tolerance = tolerance

    def write(self, recipe: Recipe, task: Task, folder: Path) -> None:
        model = WaveformModel(recipe, task).eval()
        for part in model.modules():
            if isinstance(part, Encoder) and not part.exportable:
                raise ValueError(f"{type(part).__name__} declares that it cannot (exportable = False)")
        path = folder / "model.onnx"
        from stages.formats.onnx_graph import export_graph  # slow to import: not for a check of params

        print("onnx: tracing the model (some seconds for each layer)", flush=True)
        graph = export_graph(model, path)
        self.check_parity(model, path)
        _write_json(folder / "card.json", _card(recipe, task, model, graph))
        _write_json(folder / "tokens.json", _tokens(recipe, task))

    def check_parity(self, model: WaveformModel, path: Path) -> None:
        """ValueError with the worst case if the file gives other results than the model."""
        from stages.formats.onnx_graph import worst_difference

        worst = worst_difference(model, path)
        if worst.difference > self.tolerance:
            raise ValueError(
                f"{path.name} differs from PyTorch: log-probabilities differ by {worst.difference:.2g}"
                f" (tolerance {self.tolerance:g}) at {worst.num_samples} samples, batch size"
                f" {worst.batch_size}"
            )
        print(f"onnx: same log-probabilities as PyTorch (largest difference {worst.difference:.1e})")


def _card(recipe: Recipe, task: Task, model: WaveformModel, graph: "ir.Model") -> dict[str, Any]:
    frontends = [recipe.features.frontend, *([recipe.frontend] if recipe.frontend else [])]
    return {
        "version": CARD_VERSION,
        "model": "model.onnx",
        "sample_rate": model.sample_rate,
        "channels": recipe.features.mixdown,
        "cached_dtype": recipe.features.dtype,
        "frontends": [part.model_dump() for part in frontends],
        "feature_size": model.last_frontend.feature_size,
        "frame_shift_seconds": model.frame_shift_seconds(),
        "vocabulary_size": len(recipe.vocabulary),
        "blank_index": task.tokens.blank_index,
        "decoding": task.decoding(),
        "normalization": asdict(task.tokens.normalization),
        "inputs": [_describe(value) for value in graph.graph.inputs],
        "outputs": [_describe(value) for value in graph.graph.outputs],
        "opset": graph.opset_imports[""],
        "ir_version": graph.ir_version,
    }


def _describe(value: "ir.Value") -> dict[str, Any]:
    assert value.dtype is not None
    assert value.shape is not None
    shape = [size if isinstance(size, int) else str(size.value) for size in value.shape]
    return {"name": value.name, "dtype": value.dtype.numpy().name, "shape": shape}


def _tokens(recipe: Recipe, task: Task) -> dict[str, Any]:
    """The tokens by index, and the class that joins them to text (without torch)."""
    tokens = recipe.tokens.model_dump()
    return {"blank_index": task.tokens.blank_index, "tokens": tokens, "vocabulary": recipe.vocabulary}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
