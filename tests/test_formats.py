"""The ONNX bundle: it gives the model's results, and contains what a runtime needs."""

import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from export_project import (
    LOG_MEL,
    SAMPLE_RATE,
    SYSTEMS,
    WAVEFORM,
    Exported,
    exported_once,
    make_checkpoint,
    run_stage,
)  # fmt: skip

from stages import export
from stages.formats.onnx_bundle import OnnxBundle
from stages.formats.waveform_model import WaveformModel
from stages.tasks.checkpoint import load
from stages.tokens.normalization import Normalization

# the relative tolerance is for log-probabilities of -200, as for chords: they have no more digits
FLOAT32 = {"atol": 2e-5, "rtol": 2e-5}


def noise(batch_size: int, num_samples: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.uniform(-0.5, 0.5, (batch_size, num_samples)).astype(np.float32)


@pytest.fixture
def simple() -> Exported:
    return exported_once("SimpleCTC")


@pytest.fixture(params=list(SYSTEMS))
def exported(request: pytest.FixtureRequest) -> Exported:
    return exported_once(request.param)


@pytest.mark.parametrize(("batch_size", "num_samples"), [(1, 1), (1, 4000), (2, 9999), (4, 20001)])
def test_bundle_computes_what_torch_computes(exported: Exported, batch_size: int, num_samples: int) -> None:
    model = WaveformModel(*load(exported.project / "artifacts" / "train" / "best.ckpt")).eval()
    waveforms = noise(batch_size, num_samples)
    lengths = [num_samples - row * num_samples // 5 for row in range(batch_size)]
    with torch.no_grad():
        expected, expected_counts = model(torch.from_numpy(waveforms), torch.tensor(lengths))
    log_probs, counts = exported.run(waveforms, lengths)
    assert counts.tolist() == expected_counts.tolist()
    assert log_probs.shape == expected.shape
    for row, count in enumerate(counts):
        np.testing.assert_allclose(log_probs[row, :count], expected[row, :count], **FLOAT32)


def test_an_utterance_in_a_batch_gives_the_same_as_alone_whatever_follows_it(exported: Exported) -> None:
    waveforms = noise(2, 12000)  # not padded with zeros: samples beyond a length are ignored
    together, counts = exported.run(waveforms, [12000, 7000])
    alone, alone_counts = exported.run(waveforms[1:, :7000], [7000])
    assert counts[1] == alone_counts[0]
    np.testing.assert_allclose(together[1, : counts[1]], alone[0], **FLOAT32)


def test_log_probabilities_are_those_of_a_distribution(simple: Exported) -> None:
    log_probs, _ = simple.run(noise(1, 8000), [8000])
    np.testing.assert_allclose(np.exp(log_probs).sum(-1), 1, atol=1e-5)


def test_card_says_what_a_runtime_must_know(simple: Exported) -> None:
    card = simple.json("card.json")
    assert (card["sample_rate"], card["feature_size"], card["frame_shift_seconds"]) == (SAMPLE_RATE, 16, 0.01)
    assert (card["vocabulary_size"], card["blank_index"]) == (5, 0)
    assert (card["version"], card["cached_dtype"]) == (2, "float16")
    assert card["normalization"] == asdict(Normalization())
    assert card["decoding"] == {"kind": "ctc", "spelling": {"separator": "", "space": ""}}
    assert card["frontends"] == [LOG_MEL.model_dump()]
    assert card["inputs"] == [
        {"name": "waveforms", "dtype": "float32", "shape": ["batch", "samples"]},
        {"name": "lengths", "dtype": "int64", "shape": ["batch"]},
    ]
    assert card["outputs"] == [
        {"name": "log_probs", "dtype": "float32", "shape": ["batch", "frames", 5]},
        {"name": "counts", "dtype": "int64", "shape": ["batch"]},
    ]


def test_card_counts_subsampling_and_names_both_frontends() -> None:
    assert exported_once("Conformer").json("card.json")["frame_shift_seconds"] == 0.04
    on_device = exported_once("LogMel").json("card.json")
    assert on_device["frontends"] == [WAVEFORM.model_dump(), LOG_MEL.model_dump()]
    assert (on_device["feature_size"], on_device["frame_shift_seconds"]) == (16, 0.01)


def test_model_is_one_valid_file_without_a_path_of_this_machine(exported: Exported) -> None:
    path = exported.bundle / "model.onnx"
    onnx.checker.check_model(path, full_check=True)
    content = path.read_bytes()
    for trace in (str(Path(export.__file__).parents[1]), sys.prefix, "site-packages", ".py", "stages."):
        assert trace.encode() not in content, trace


def test_what_the_exporter_says_of_its_insides_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def export_loudly(*_: Any, **__: Any) -> None:
        for name in (
            "torch.onnx._internal",
            "onnxscript.optimizer._constant_folding",
            "onnx_ir._convenience",
        ):
            logging.getLogger(name).warning("Skipping constant folding")
        raise RuntimeError("it fails\nin 200 lines")

    make_checkpoint(tmp_path, "SimpleCTC")
    monkeypatch.setattr(torch.onnx, "export", export_loudly)
    with pytest.raises(
        ValueError, match=r"SimpleCTC cannot be exported: RuntimeError: it fails \(complete error"
    ) as told:
        run_stage(tmp_path)
    assert str(told.value).startswith("export.formats[0]: stages.formats.onnx_bundle.OnnxBundle cannot write")
    assert "in 200 lines" in (tmp_path / "artifacts" / "logs" / "export_error.txt").read_text()
    assert caplog.messages == []
    assert logging.getLogger("onnx_ir").isEnabledFor(logging.WARNING)


def test_not_a_number_never_passes_for_equal(simple: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    model = WaveformModel(*load(simple.project / "artifacts" / "train" / "best.ckpt")).eval()
    for parameter in model.model.parameters():
        torch.nn.init.constant_(parameter, torch.nan)
    with pytest.raises(ValueError, match="differ by inf"):
        OnnxBundle().check_parity(model, simple.bundle / "model.onnx")
