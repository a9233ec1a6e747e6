"""A folder in which the export stage runs in this process, on checkpoints with random weights.

B batch, N samples, T' output frames, V vocabulary.
"""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from built_once import built_once

from stages import export
from stages.preflight.reading import read_params
from stages.program.inputs import Inputs
from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe, pack

RECIPE = Path(__file__).parents[1] / "flows" / "recipes" / "simple_ctc.yaml"
SAMPLE_RATE = 8000
LOG_MEL = Part(class_path="stages.frontends.log_mel.LogMel", init_args={"num_mels": 16})
WAVEFORM = Part(class_path="stages.frontends.waveform.Waveform")
SIMPLE = Part(class_path="stages.models.simple_ctc.SimpleCTC", init_args={"hidden_size": 8})
CONFORMER = Part(
    class_path="stages.models.conformer.Conformer",
    init_args={"width": 8, "num_layers": 1, "num_heads": 2, "kernel_size": 3, "subsampling_channels": 2},
)
DEEP_SPEECH_2 = Part(
    class_path="stages.models.deep_speech2.DeepSpeech2",
    init_args={"hidden_size": 8, "num_layers": 1, "channels": 2, "frame_strides": [2, 2]},
)
TDS = Part(class_path="stages.models.tds.TDS", init_args={"channels": [2, 3], "bottleneck": 8})
LSTM = Part(
    class_path="stages.models.lstm_ctc.LstmCTC",
    init_args={"dense_size": 8, "hidden_size": 8, "num_layers": 2},
)
MFCC = Part(class_path="stages.frontends.mfcc.MFCC", init_args={"num_coefficients": 16, "num_mels": 24})
SPECTROGRAM = Part(class_path="stages.frontends.spectrogram.Spectrogram")
WAV2VEC2 = Part(class_path="stages.models.wav2vec2.Wav2Vec2")
CACHED_FEATURES = FeatureMetadata(
    frontend=LOG_MEL, sample_rate=SAMPLE_RATE, feature_size=16, frame_shift_seconds=0.01,
    domain="features", dtype="float16",
)  # fmt: skip
CACHED_WAVEFORMS = FeatureMetadata(
    frontend=WAVEFORM, sample_rate=SAMPLE_RATE, feature_size=1, frame_shift_seconds=1 / SAMPLE_RATE,
    domain="waveform", dtype="int16",
)  # fmt: skip
SYSTEMS = {
    "SimpleCTC": (SIMPLE, CACHED_FEATURES, None),
    "Conformer": (CONFORMER, CACHED_FEATURES, None),
    "DeepSpeech2": (DEEP_SPEECH_2, CACHED_FEATURES, None),
    "TDS": (TDS, CACHED_FEATURES, None),
    "Wav2Vec2": (WAV2VEC2, CACHED_WAVEFORMS, None),
    "frontend on the device": (SIMPLE, CACHED_WAVEFORMS, LOG_MEL),
    "LstmCTC": (LSTM, CACHED_FEATURES, None),
    "MFCC": (SIMPLE, CACHED_WAVEFORMS, MFCC),
    "Spectrogram": (SIMPLE, CACHED_WAVEFORMS, SPECTROGRAM),
}


@dataclass(frozen=True)
class Exported:
    """A project folder after its export stage."""

    project: Path

    @property
    def bundle(self) -> Path:
        return self.project / "artifacts" / "export"

    def json(self, name: str) -> Any:
        return json.loads((self.bundle / name).read_text(encoding="utf-8"))

    def run(self, waveforms: np.ndarray, lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """(B, N) and lengths to (B, T', V) and counts, by onnxruntime."""
        session = onnxruntime.InferenceSession(self.bundle / "model.onnx")
        log_probs, counts = session.run(None, {"waveforms": waveforms, "lengths": np.array(lengths)})
        return log_probs, counts


def make_checkpoint(project: Path, system: str) -> None:
    """A checkpoint with random weights, large enough that every token has its say."""
    encoder, features, frontend = SYSTEMS[system]
    recipe = Recipe(
        task=Part(class_path="stages.tasks.ctc.CTC", init_args={"encoder": encoder.model_dump()}),
        tokens=Part(class_path="stages.tokens.characters.Characters"),
        vocabulary=["<blank>", " ", "a", "b", "é"],
        features=features,
        frontend=frontend,
    )
    torch.manual_seed(1)
    task = recipe.build()
    for name, parameter in task.named_parameters():
        if name.startswith("head"):
            torch.nn.init.normal_(parameter)
    folder = project / "artifacts" / "train"
    folder.mkdir(parents=True)
    (folder / "best.ckpt").write_bytes(pack(recipe, task.state_dict()))


def run_stage(project: Path, formats: list[Part] | None = None) -> Exported:
    params = read_params(RECIPE)
    if formats is not None:
        params = params.model_copy(update={"export": params.export.model_copy(update={"formats": formats})})
    with contextlib.chdir(project):
        export.run(params, Inputs([]))
    return Exported(project)


def exported_once(system: str) -> Exported:
    """The project of a system after its export, made once in a session: tracing takes seconds."""

    def build(project: Path) -> None:
        make_checkpoint(project, system)
        run_stage(project)

    return Exported(built_once(f"export of {system}", build))
