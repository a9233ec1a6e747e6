"""ONNX from raw waveform to log-probabilities, the frontend inside.

B batch, N samples, T frames, F features, T' output frames, V vocabulary.
"""

import json
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import onnxruntime
import torch
from onnxscript import ir
from onnxscript.ir.passes.common import ClearMetadataAndDocStringPass
from torch import Tensor, nn

from stages.formats.float_precision import float_precision
from stages.formats.format import Format
from stages.formats.recurrent_shapes import recurrent_shapes
from stages.formats.runtime import CARD_VERSION
from stages.frontends.frontend import Frontend, frame_mask
from stages.models.encoder import Encoder
from stages.program.progress import track
from stages.schema.quantities import PositiveFloat
from stages.tasks.checkpoint import Recipe
from stages.tasks.task import Task

OPSET = 18  # the first with all that the graphs need; onnxruntime 1.14 (2023) and later run it
IR_VERSION = 8  # the file format of that opset's time
INPUTS = ("waveforms", "lengths")
OUTPUTS = ("log_probs", "counts")
CHECKED_SECONDS = (0.3, 1.7, 4.13)  # none of them a whole number of frames in all frontends
CHECKED_BATCH_SIZES = (1, 3)
TRACED_SECONDS = 1.0
LOGGERS = ("torch.onnx", "onnxscript", "onnx_ir")  # of the exporter and what it calls


class OnnxBundle(Format):
    """``model.onnx``, ``card.json`` and ``tokens.json``: all that a runtime without torch needs.

    The graph takes waveforms (B, N), float32 in [-1, 1] at the card's sample rate, and lengths (B,),
    int64 in samples from 1 to N; it gives log-probabilities (B, T', V), float32, and frame counts (B,),
    int64. Samples beyond a length are ignored. The same checkpoint gives the same bytes.

    ``write`` compares the file with torch at three lengths and two batch sizes, and raises ValueError
    when a log-probability differs by more than ``tolerance`` (beyond -1: by that share of itself, for
    what trained models rule out has log-probabilities of -60).
    """

    def __init__(self, tolerance: PositiveFloat = 1e-4) -> None:
        self.tolerance = tolerance

    def write(self, recipe: Recipe, task: Task, folder: Path) -> None:
        model = WaveformModel(recipe, task).eval()
        for part in model.modules():
            if isinstance(part, Encoder) and not part.exportable:
                raise ValueError(f"{type(part).__name__} says itself that nothing can (exportable = False)")
        path = folder / "model.onnx"
        print("onnx: tracing the model (some seconds for each of its layers)", flush=True)
        graph = export_graph(model, path)
        self.check_parity(model, path)
        _write_json(folder / "card.json", _card(recipe, task, model, graph))
        _write_json(folder / "tokens.json", _tokens(recipe, task))

    def check_parity(self, model: "WaveformModel", path: Path) -> None:
        """Run the file beside the model it was made from; ValueError with the worst case if it differs."""
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        cases = [
            (round(seconds * model.sample_rate), batch_size)
            for seconds in CHECKED_SECONDS
            for batch_size in CHECKED_BATCH_SIZES
        ]
        compared = track(cases, "onnx: comparing with torch", len(cases), "batches")
        worst = max(_compare(model, session, *case) for case in compared)
        if worst.difference > self.tolerance:
            raise ValueError(
                f"{path.name} computes otherwise than torch: log-probabilities differ by"
                f" {worst.difference:.2g} (tolerance {self.tolerance:g}) at {worst.num_samples} samples,"
                f" batch size {worst.batch_size}"
            )
        print(f"onnx: log-probabilities as in torch (largest difference {worst.difference:.1e})")


class WaveformModel(nn.Module):
    """Waveforms (B, N) and lengths (B,) to log-probabilities (B, T', V) and counts (B,), in float32.

    What the features stage and the training device do apart, in one module; the cache's rounding to
    16 bits is left out.
    """

    def __init__(self, recipe: Recipe, task: Task) -> None:
        super().__init__()
        self.sample_rate = recipe.features.sample_rate
        self.cached: Frontend = recipe.features.frontend.build(sample_rate=self.sample_rate)
        self.on_device = task.frontend
        self.model = task.exportable()

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        outside = ~frame_mask(lengths, waveforms.shape[1])
        features, counts = self.cached(waveforms.masked_fill(outside, 0.0), lengths)  # (B, T, F)
        if self.on_device is not None:
            features, counts = self.on_device(features.squeeze(-1), counts)
        log_probs, counts = self.model(features, counts)  # (B, T', V)
        return log_probs, counts

    @property
    def last_frontend(self) -> Frontend:
        """The one whose features the encoder sees."""
        return self.on_device if isinstance(self.on_device, Frontend) else self.cached

    def frame_shift_seconds(self) -> float | None:
        """Time between output frames; None where it is not a whole number of feature frames."""
        shift = round(self.last_frontend.frame_shift_seconds * self.sample_rate)
        num_frames = 960  # divisible by every usual subsampling
        lengths = torch.tensor([num_frames * shift, 2 * num_frames * shift])
        with torch.no_grad():
            first, second = self(torch.zeros(2, 2 * num_frames * shift), lengths)[1].tolist()
        gained = int(second - first)
        if gained <= 0 or num_frames % gained:
            return None
        return num_frames // gained * shift / self.sample_rate


def export_graph(model: WaveformModel, path: Path) -> ir.Model:
    """Write the module as ONNX with free batch size and length; nothing in the file names this machine."""
    example = _batch(round(TRACED_SECONDS * model.sample_rate), 2)
    with _quiet(), float_precision(), recurrent_shapes():
        program = torch.onnx.export(
            model,
            example,
            dynamo=True,
            verbose=False,
            input_names=INPUTS,
            output_names=OUTPUTS,
            dynamic_shapes=({0: "batch", 1: "samples"}, {0: "batch"}),
            opset_version=OPSET,
        )
    assert program is not None, "with dynamo=True the exporter returns its program"
    graph = program.model
    ClearMetadataAndDocStringPass()(graph)  # stack traces with paths of this machine
    graph.ir_version = IR_VERSION
    log_probs, _ = graph.graph.outputs
    assert log_probs.shape is not None
    log_probs.shape = ir.Shape(["batch", "frames", log_probs.shape[-1]])  # was a formula of samples
    program.save(path)  # one file; above 1.5 GB the weights lie beside it, named relative to it
    return graph


class Comparison(NamedTuple):
    """The largest difference of one batch; batches are ordered by it."""

    difference: float
    num_samples: int
    batch_size: int


def _compare(
    model: WaveformModel, session: onnxruntime.InferenceSession, num_samples: int, batch_size: int
) -> Comparison:
    """The largest difference of a log-probability within the frame counts; NaN counts as infinite."""
    where = f"at {num_samples} samples, batch size {batch_size}"
    waveforms, lengths = _batch(num_samples, batch_size)
    with torch.no_grad():
        expected, expected_counts = model(waveforms, lengths)
    try:
        found = session.run(OUTPUTS, dict(zip(INPUTS, (waveforms.numpy(), lengths.numpy()), strict=True)))
    except Exception as error:  # onnxruntime's errors have no base class of their own
        raise ValueError(f"the exported model does not run {where}: {error}") from error
    log_probs, counts = map(torch.from_numpy, found)
    if log_probs.shape != expected.shape or not counts.equal(expected_counts):
        raise ValueError(
            f"the exported model gives {tuple(log_probs.shape)} with counts {counts.tolist()} {where};"
            f" torch {tuple(expected.shape)} with {expected_counts.tolist()}"
        )
    within = frame_mask(counts, log_probs.shape[1])
    difference = ((log_probs - expected).abs() / expected.abs().clamp(min=1))[within].max()
    return Comparison(difference.nan_to_num(nan=math.inf).item(), num_samples, batch_size)


def _batch(num_samples: int, batch_size: int) -> tuple[Tensor, Tensor]:
    """Noise (B, N) that swells and fades, the longest row first, and lengths (B,) from N down to over N/2.

    It never fades to digital silence: of a frame whose bands are all the same, LayerNorm amplifies the
    rounding of float32, and torch and ONNX differ by more than either would tell of a wrong graph.
    """
    generator = torch.Generator().manual_seed(num_samples)
    loudness = torch.linspace(0, 2 * math.pi, num_samples).sin().square().clamp(min=0.01)
    waveforms = 0.2 * loudness * torch.randn(batch_size, num_samples, generator=generator)
    rows = torch.arange(batch_size)
    lengths = num_samples * (2 * batch_size - rows) // (2 * batch_size)
    return (waveforms * frame_mask(lengths, num_samples)).clamp(-1, 1), lengths


def _card(recipe: Recipe, task: Task, model: WaveformModel, graph: ir.Model) -> dict[str, Any]:
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
        "opset": OPSET,
        "ir_version": IR_VERSION,
    }


def _describe(value: ir.Value) -> dict[str, Any]:
    assert value.dtype is not None
    assert value.shape is not None
    shape = [size if isinstance(size, int) else str(size.value) for size in value.shape]
    return {"name": value.name, "dtype": value.dtype.numpy().name, "shape": shape}


def _tokens(recipe: Recipe, task: Task) -> dict[str, Any]:
    """The tokens by index, and the class that joins them to text (it does not need torch)."""
    tokens = recipe.tokens.model_dump()
    return {"blank_index": task.tokens.blank_index, "tokens": tokens, "vocabulary": recipe.vocabulary}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter says of its own insides; errors still come as exceptions."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
