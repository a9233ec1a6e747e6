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
from family import classes_of

from stages import export
from stages.frontends.frontend import Frontend
from stages.frontends.log_mel import LogMel
from stages.frontends.waveform import Waveform
from stages.models.chord_heads import ChordHeads
from stages.models.encoder import Encoder
from stages.models.linear_heads import LinearHeads
from stages.models.simple_ctc import SimpleCTC
from stages.preflight.reading import read_params
from stages.program.inputs import Inputs
from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe, pack

RECIPE = Path(__file__).parents[1] / "flows" / "recipes" / "simple_ctc.yaml"
SAMPLE_RATE = 8000
VOCABULARY = ["<blank>", " ", "a", "b", "é"]
# init_args of classes that take long to trace as they are by default. Add yours when it does.
TINY: dict[str, dict[str, Any]] = {
    "Conformer": {
        "width": 8, "num_layers": 1, "num_heads": 2, "kernel_size": 3, "subsampling_channels": 2,
    },
    "DeepSpeech2": {"hidden_size": 8, "num_layers": 1, "channels": 2, "frame_strides": [2, 2]},
    "Listener": {"hidden_size": 8, "reductions": [2]},
    "LogMel": {"num_mels": 16},
    "LstmCTC": {"dense_size": 8, "hidden_size": 8, "num_layers": 2},
    "PitchConformer": {"width": 8, "num_layers": 1, "num_heads": 2},
    "SimpleCTC": {"hidden_size": 8},
    "TDS": {"channels": [2, 3], "bottleneck": 8},
}  # fmt: skip


def tiny(cls: type[Any]) -> Part:
    return Part(class_path=f"{cls.__module__}.{cls.__name__}", init_args=TINY.get(cls.__name__, {}))


LOG_MEL, WAVEFORM, SIMPLE = tiny(LogMel), tiny(Waveform), tiny(SimpleCTC)
CACHED_FEATURES = FeatureMetadata(
    frontend=LOG_MEL, sample_rate=SAMPLE_RATE, feature_size=16, frame_shift_seconds=0.01,
    domain="features", dtype="float16",
)  # fmt: skip
CACHED_WAVEFORMS = FeatureMetadata(
    frontend=WAVEFORM, sample_rate=SAMPLE_RATE, feature_size=1, frame_shift_seconds=1 / SAMPLE_RATE,
    domain="waveform", dtype="int16",
)  # fmt: skip


def of_text(encoder: Part, frontend: Part | None = None) -> Recipe:
    """CTC, on what is cached for this encoder, or on waveforms with a frontend on the device."""
    waveforms = frontend or encoder.load().domain == "waveform"
    return Recipe(
        task=Part(class_path="stages.tasks.ctc.CTC", init_args={"encoder": encoder.model_dump()}),
        tokens=Part(class_path="stages.tokens.characters.Characters"),
        vocabulary=VOCABULARY,
        features=CACHED_WAVEFORMS if waveforms else CACHED_FEATURES,
        frontend=frontend,
    )


def of_chords(encoder: Part, heads: Part) -> Recipe:
    tokens = Part(class_path="stages.tokens.chords.Chords", init_args={"types": ["major", "min7"]})
    fitted = tokens.build()
    fitted.fit([])
    parts = {"encoder": encoder.model_dump(), "heads": heads.model_dump()}
    return Recipe(
        task=Part(class_path="stages.tasks.chords.ChordRecognition", init_args=parts),
        tokens=tokens,
        vocabulary=fitted.vocabulary,
        features=CACHED_FEATURES,
        frontend=None,
    )


def systems() -> dict[str, Recipe]:
    """One for each encoder that can be exported, each frontend and all chord heads, found unseen."""
    encoders = [SimpleCTC, *(cls for cls in classes_of(Encoder) if cls.exportable and cls is not SimpleCTC)]
    found: dict[str, Recipe] = {}
    along_positions = set()
    for heads in classes_of(ChordHeads):
        if fitting := [cls for cls in encoders if cls.num_positions == heads.num_positions]:
            found[heads.__name__] = of_chords(tiny(fitting[0]), tiny(heads))
            along_positions.add(fitting[0])
    for cls in encoders:
        if cls.num_positions is None:  # text lies along frames
            found[cls.__name__] = of_text(tiny(cls))
        elif cls not in along_positions:
            found[cls.__name__] = of_chords(tiny(cls), tiny(LinearHeads))
    for cls in classes_of(Frontend):
        if cls.domain == "features":
            found[cls.__name__] = of_text(SIMPLE, tiny(cls))
    return found


SYSTEMS = systems()


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
    recipe = SYSTEMS[system]
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
