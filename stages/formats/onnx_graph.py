"""A waveform model traced to an ONNX file, and the file compared with the model.

B batch, N samples, T' output frames, V vocabulary.
"""

import gc
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import onnxruntime
import torch
from onnxscript import ir
from onnxscript.ir.passes.common import ClearMetadataAndDocStringPass
from torch import Tensor

from stages.compat.onnxruntime_stft import precise_stft
from stages.compat.onnxscript_small_constants import small_constants
from stages.compat.torch_recurrent_shapes import recurrent_shapes
from stages.formats.waveform_model import WaveformModel
from stages.padding.mask import frame_mask
from stages.program.progress import track

OPSET = 18  # the first with all that the graphs need; onnxruntime 1.14 (2023) and later run it
IR_VERSION = 8  # the file format of that opset's time
INPUTS = ("waveforms", "lengths")
OUTPUTS = ("log_probs", "counts")
CHECKED_SECONDS = (0.3, 1.7, 4.13)  # none of them a whole number of frames in all frontends
CHECKED_BATCH_SIZES = (1, 3)
TRACED_SECONDS = 1.0
LOGGERS = ("torch.onnx", "onnxscript", "onnx_ir")  # of the exporter and what it calls


def export_graph(model: WaveformModel, path: Path) -> ir.Model:
    """Write the module as ONNX with free batch size and length; nothing in the file names this machine."""
    example = _batch(round(TRACED_SECONDS * model.sample_rate), 2)
    with _quiet(), _uncollected(), torch.no_grad(), small_constants(), precise_stft(), recurrent_shapes():
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


def worst_difference(model: WaveformModel, path: Path) -> Comparison:
    """Run the file beside the model it was made from, at several lengths and batch sizes."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    cases = [
        (round(seconds * model.sample_rate), batch_size)
        for seconds in CHECKED_SECONDS
        for batch_size in CHECKED_BATCH_SIZES
    ]
    compared = track(cases, "onnx: comparing with torch", len(cases), "batches")
    return max(_compare(model, session, *case) for case in compared)


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


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for garbage among the millions of objects of a trace: a tenth of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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
