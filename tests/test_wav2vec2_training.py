"""The recipe of wav2vec2 with a tiny model in the hub's format in the place of the large one."""

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hub_folder import save_wav2vec2
from ruamel.yaml import YAML
from torch import Tensor

from stages import evaluate, export, features, manifest, train
from stages.callbacks.run_name import built_name
from stages.preflight.reading import read_params
from stages.tasks.checkpoint import load

RATE = 16000
PHONES = {"p": 300, "r\u02b2": 700, "i": 1500, "t\u0283\u02b2": 3100}  # Hz
ROOT, INPUTS = Path("data/raw/russian"), Path("data/raw/pretrained")
ENCODER = "train.task.init_args.encoder.init_args"
HEAD = {"head.weight", "head.bias"}
CHANGES = {
    "manifest.corpora": [
        {
            "class_path": "stages.corpora.table.Table",
            "init_args": {"path": "utterances.csv", "columns": {"audio": "path"}},
        }
    ],
    "manifest.carve": {},
    "features.executor": {"num_processes": 1},
    "train.inputs": str(INPUTS),
    "train.batching": {"max_batch_seconds": 60.0, "max_batch_size": 4, "num_workers": 0},
    "train.trainer": {"max_epochs": 3, "accelerator": "cpu", "enable_model_summary": False},
    f"{ENCODER}.pretrained_name": "wav2vec2-tiny",
    "lr": 1e-2,
}


def record(name: str, phones: list[str]) -> None:
    """A tone for each phone."""
    time = np.arange(RATE // 10) / RATE
    tones = [0.3 * np.sin(2 * np.pi * PHONES[phone] * time) for phone in phones]
    soundfile.write(ROOT / name, np.concatenate(tones), RATE)


def make_recordings() -> None:
    ROOT.mkdir(parents=True)
    generator = np.random.default_rng(0)
    with (ROOT / "utterances.csv").open("w", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["path", "text", "speaker", "split", "phonemes"])
        for number in range(24):
            split = "train" if number < 16 else "validation" if number < 20 else "test"
            phones = list(generator.choice(list(PHONES), 3 + number % 4))
            record(f"{number}.wav", phones)
            table.writerow(
                [f"{number}.wav", "\u043f\u0440\u0438", f"{split} {number % 4}", split, " ".join(phones)]
            )


Run = Callable[..., None]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings with their features, and the model's folder."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_recordings()
        Path("data/raw/none").mkdir()
        save_wav2vec2(INPUTS / "wav2vec2-tiny", mask_time_prob=0.05, layerdrop=0.1)
        write(folder / "params.yaml", {})
        for stage in (manifest, features):
            stage.STAGE.run(stage.run, folder / "params.yaml", read=read_params)
    return folder


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs stages on the recipe with some values replaced."""
    monkeypatch.chdir(project)

    def run_stages(changes: dict[str, Any], *stages: Any) -> None:
        write(project / "params.yaml", changes)
        for stage in stages:
            stage.STAGE.run(stage.run, project / "params.yaml", read_params)

    yield run_stages
    shutil.rmtree(project / "artifacts", ignore_errors=True)


def write(path: Path, changes: dict[str, Any]) -> None:
    yaml = YAML(typ="safe", pure=True)
    recipe = Path(__file__).parents[1] / "flows" / "recipes" / "phonemes_wav2vec2.yaml"
    document = yaml.load(recipe.read_text(encoding="utf-8"))
    for key, value in (CHANGES | changes).items():
        *sections, name = key.split(".")
        section = document
        for step in sections:
            section = section[step]
        section[name] = value
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)


def losses() -> list[float]:
    with Path("artifacts/train/history.csv").open() as stream:
        return [float(row["train_loss"]) for row in csv.DictReader(stream)]


def weights(name: str = "best.ckpt") -> dict[str, Tensor]:
    content = torch.load(Path("artifacts/train", name), weights_only=True)
    found: dict[str, Tensor] = content["state_dict"]
    return found


def pretrained() -> dict[str, Tensor]:
    """The folder's own weights, by the names that they have in our checkpoints."""
    model = save_wav2vec2(Path("unused"), mask_time_prob=0.05, layerdrop=0.1)
    shutil.rmtree("unused")
    return {f"encoder.model.{name}": weight for name, weight in model.wav2vec2.state_dict().items()}


def test_frozen_parts_stay_the_same_bit_for_bit_while_the_loss_falls(run: Run) -> None:
    run({}, train)
    found, before = weights("last.ckpt"), pretrained()
    assert found.keys() == before.keys() | HEAD
    assert all(found[name].equal(weight) for name, weight in before.items())
    assert losses()[-1] < losses()[0]


@pytest.mark.parametrize("frozen", ["feature_extractor", "transformer"])
def test_what_is_not_frozen_is_trained(run: Run, frozen: str) -> None:
    flags = {f"freeze_{part}": part == frozen for part in ("feature_extractor", "transformer")}
    run({f"{ENCODER}.{key}": value for key, value in flags.items()} | {"lr": 1e-3}, train)
    found, before = weights("last.ckpt"), pretrained()
    inside = {name for name in before if ".feature_extractor." in name}
    kept, trained = (inside, before.keys() - inside)[:: 1 if frozen == "feature_extractor" else -1]
    assert all(found[name].equal(before[name]) for name in kept)
    assert not any(found[name].equal(before[name]) for name in trained)
    assert losses()[-1] < losses()[0]


def test_a_group_that_is_unfrozen_trains_nothing_that_the_encoder_froze(run: Run) -> None:
    groups = [{"pattern": "encoder.*", "lr_scale": 0.1, "unfreeze_epoch": 1}]
    run({f"{ENCODER}.freeze_transformer": False, "train.groups": groups}, train)
    found, before = weights("last.ckpt"), pretrained()
    for name, weight in before.items():
        assert found[name].equal(weight) is (".feature_extractor." in name), name


def test_the_trained_model_needs_neither_folder_nor_network(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run({}, train)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = INPUTS / "wav2vec2-tiny"
    aside = model.rename("aside")
    try:
        run({}, evaluate, export)
        recipe, task = load(Path("artifacts/train/best.ckpt"))
        with pytest.raises(ValueError, match="wav2vec2-tiny is not a folder in"):
            run({}, train)
    finally:
        aside.rename(model)
    assert recipe.vocabulary == ["<blank>", *sorted(PHONES)]
    assert task.encoder.masks  # type: ignore[union-attr]
    assert (project / "artifacts/export/model.onnx").stat().st_size > 0


def test_training_goes_through_all_of_it_twice_with_the_same_bytes(run: Run) -> None:
    changes = {f"{ENCODER}.freeze_transformer": False, f"{ENCODER}.freeze_feature_extractor": False}
    found = []
    for _ in range(2):
        run(changes, train)
        found.append(Path("artifacts/train/best.ckpt").read_bytes())
    assert found[0] == found[1]


def test_a_folder_that_is_not_there_is_refused_before_anything_runs(run: Run, project: Path) -> None:
    run({f"{ENCODER}.pretrained_name": "wav2vec2-none"})
    place = f"{ENCODER.removesuffix('.init_args')}: wav2vec2-none is not a folder in {INPUTS}"
    with pytest.raises(ValueError, match=place):
        read_params(project / "params.yaml")


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"features.frontend": {"class_path": "stages.frontends.log_mel.LogMel"}}, "takes waveforms"),
        ({"train.frontend": {"class_path": "stages.frontends.log_mel.LogMel"}}, "takes waveforms"),
    ],
)
def test_features_are_refused(run: Run, project: Path, changes: dict[str, Any], seen: str) -> None:
    run(changes)
    with pytest.raises(ValueError, match=seen):
        read_params(project / "params.yaml")


def test_the_run_is_called_by_what_is_frozen(run: Run, project: Path) -> None:
    from datetime import datetime

    run({})
    name = built_name(read_params(project / "params.yaml").train, datetime(2024, 10, 22, 15, 30))
    assert name == (
        "network_Wav2Vec2_freeze_true_transformer_true_optimizer_AdamW_batch_size_4_time_22_10_2024_15_30"
    )
