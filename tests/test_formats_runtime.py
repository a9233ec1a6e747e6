"""The torch-free runtime gives the results of evaluation, and refuses anything but an exported model."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from export_project import CACHED_FEATURES, SAMPLE_RATE, exported_once
from training_project import TINY, Project, recipe_project

from stages import evaluate, export, features, manifest, train
from stages.audio.recording import mono, read_span
from stages.formats.onnx_bundle import OnnxBundle
from stages.formats.runtime import Runtime
from stages.formats.waveform_model import WaveformModel
from stages.schema.feature_table import read_metadata
from stages.schema.manifest_row import read_manifest
from stages.schema.part import Part
from stages.search.greedy import Greedy
from stages.tasks.checkpoint import Recipe, pack
from stages.tasks.task import Task
from stages.tokens.tokens import Tokens

RECIPES = Path(__file__).parents[1] / "flows" / "recipes"
LOG_MEL = Part(class_path="stages.frontends.log_mel.LogMel", init_args={"num_mels": 24})
SIMPLE = {"class_path": "stages.models.simple_ctc.SimpleCTC", "init_args": {"hidden_size": 16}}
CTC = Part(class_path="stages.tasks.ctc.CTC", init_args={"encoder": SIMPLE})
SEQ2SEQ = Part(class_path="stages.tasks.seq2seq.Seq2Seq", init_args={"encoder": SIMPLE})
CHARACTERS = Part(class_path="stages.tokens.characters.Characters")


def loud(recipe: Recipe) -> Task:
    """Random weights, large enough in the last layer that every token occurs."""
    torch.manual_seed(1)
    task = recipe.build().eval()
    for name, parameter in task.named_parameters():
        if name.startswith("head"):
            torch.nn.init.normal_(parameter)
    return task


def checkpoint(task: Part, tokens: Part, frontend: Part | None = None) -> None:
    """A model for the features of the project, untrained."""
    cached = read_metadata(Path("data/features/test"))
    vocabulary = fitted(tokens).vocabulary
    recipe = Recipe(task=task, tokens=tokens, vocabulary=vocabulary, features=cached, frontend=frontend)
    path = Path("artifacts/train/best.ckpt")
    path.parent.mkdir(parents=True)
    path.write_bytes(pack(recipe, loud(recipe).state_dict()))


def fitted(part: Part) -> Tokens:
    tokens: Tokens = part.build()
    tokens.fit(["a cab", "abc"])
    return tokens


def texts_of(project: Project) -> tuple[list[str], list[str]]:
    """The results of evaluation and of the runtime for the test split."""
    project.run(evaluate)
    project.run(export)
    table = pq.read_table("artifacts/evaluate/hypotheses.parquet").to_pydict()
    runtime = Runtime(Path("artifacts/export"))
    found = {}
    for row in read_manifest(Path("data/manifest/test.json")):
        channels, rate = read_span(Path("data/manifest") / row.audio_filepath, row.offset, row.duration)
        found[row.id] = runtime.recognise(mono(channels, rate, runtime.sample_rate)).text
    return table["hypothesis"], [found[name] for name in table["id"]]


@pytest.fixture
def tones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A small tone corpus, at another sample rate than its recordings'."""
    made = recipe_project(tmp_path, monkeypatch, RECIPES / "simple_ctc.yaml")
    corpus = {"class_path": "stages.corpora.tones.Tones", "init_args": TINY}
    made.set({"manifest.corpora": [corpus], "features.sample_rate": 12000})
    return made


def test_texts_are_those_of_evaluation(tones: Project) -> None:
    tones.set({
        "features.frontend": LOG_MEL.model_dump(),
        "train.tokens.init_args": {"blank": "last"},
        "train.trainer": {"max_epochs": 20, "accelerator": "cpu", "enable_model_summary": False},
    })  # fmt: skip
    for stage in (manifest, features, train):
        tones.run(stage)
    expected, found = texts_of(tones)
    assert len(set(expected)) == TINY["num_test"]
    assert found == expected


def test_texts_are_those_of_evaluation_where_waveforms_are_cached(tones: Project) -> None:
    waveform = {"class_path": "stages.frontends.waveform.Waveform"}
    tones.set({"features.frontend": waveform, "train.frontend": LOG_MEL.model_dump()})
    for stage in (manifest, features):
        tones.run(stage)
    checkpoint(CTC, CHARACTERS, LOG_MEL)
    expected, found = texts_of(tones)
    assert min(map(len, expected)) > 3
    assert found == expected


def test_chords_are_those_of_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = recipe_project(tmp_path, monkeypatch, RECIPES / "chords.yaml")
    corpus = "stages.corpora.synthesized_chords.SynthesizedChords"
    counts = {"num_train": 6, "num_validation": 6, "num_test": 12}
    project.set({
        "manifest.corpora": [{"class_path": corpus, "init_args": counts}],
        "features.frontend": LOG_MEL.model_dump(),  # a constant-Q transform is slow to trace
    })  # fmt: skip
    for stage in (manifest, features):
        project.run(stage)
    task = "stages.tasks.chords.ChordRecognition"
    checkpoint(
        Part(class_path=task, init_args={"encoder": SIMPLE}), Part(class_path="stages.tokens.chords.Chords")
    )
    expected, found = texts_of(project)
    assert len(set(expected)) > 3
    assert found == expected


@pytest.mark.parametrize(
    ("task", "tokens"),
    [(CTC, "subwords.Subwords"), (CTC, "phonemes.Phonemes"), (SEQ2SEQ, "characters.Characters")],
    ids=["subwords", "phonemes", "CTC layer of an attention model"],
)
def test_texts_are_those_of_greedy_search(task: Part, tokens: str, tmp_path: Path) -> None:
    part = Part(class_path=f"stages.tokens.{tokens}")
    state, vocabulary = fitted(part).state(), fitted(part).vocabulary
    recipe = Recipe(
        task=task,
        tokens=part,
        vocabulary=vocabulary,
        tokens_state=state,
        features=CACHED_FEATURES,
        frontend=None,
    )
    made = loud(recipe)
    OnnxBundle().write(recipe, made, tmp_path)
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, SAMPLE_RATE).astype(np.float32)
    with torch.no_grad():
        encoded = WaveformModel(recipe, made)(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
    (best,) = Greedy()(*encoded, made.tokens.blank_index)
    assert len(best) > 3
    runtime = Runtime(tmp_path)
    assert runtime.recognise(samples).text == made.tokens.decode(best)
    assert runtime.normalization == made.tokens.normalization


@pytest.fixture
def exported() -> Path:
    """The bundle of a CTC model."""
    return exported_once("SimpleCTC").bundle


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(exported, tmp_path / "bundle"))


@pytest.mark.parametrize("name", ["card.json", "tokens.json", "model.onnx"])
def test_a_file_that_is_missing_or_damaged_is_named(bundle: Path, name: str) -> None:
    for content in (b"", b"\xff hello", b"[1, 2]"):
        (bundle / name).write_bytes(content)
        with pytest.raises(
            ValueError, match=rf"{name}: (not JSON|not written by|not a model that onnxruntime reads)"
        ):
            Runtime(bundle)
    (bundle / name).unlink()
    with pytest.raises(ValueError, match=rf"(?i){name}: no such file.*; run the export stage"):
        Runtime(bundle)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere: no such folder; run the export stage"):
        Runtime(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("card.json", "version", None, r"card.json: expected version 2, found None"),
        ("card.json", "version", 1, r"card.json: expected version 2, found 1"),
        ("card.json", "decoding", {"kind": "magic"}, "is not valid: .*magic"),
        ("card.json", "sample_rate", None, "is not valid"),
        ("tokens.json", "vocabulary", 7, "is not valid"),
        ("tokens.json", "vocabulary", ["<blank>", "a"], "from different models"),
    ],
)
def test_what_the_files_say_has_to_fit(bundle: Path, name: str, key: str, value: Any, message: str) -> None:
    content = json.loads((bundle / name).read_text())
    (bundle / name).write_text(json.dumps(content | {key: value}))
    with pytest.raises(ValueError, match=message):
        Runtime(bundle)


def test_a_waveform_that_the_model_cannot_take_is_refused(exported: Path) -> None:
    runtime = Runtime(exported)
    with pytest.raises(ValueError, match="shorter than one sample at 8000 Hz"):
        runtime.recognise(np.zeros(0, np.float32))
    with pytest.raises(ValueError, match="the model returns NaN"):
        runtime.recognise(np.full(8000, np.nan, np.float32))


def test_confidence_is_a_share_and_one_sample_is_enough(exported: Path) -> None:
    assert 0.0 < Runtime(exported).recognise(np.zeros(1, np.float32)).confidence <= 1.0
