"""What earlier versions made is of use to this one: checkpoints, bundles, states, features, params files."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from artefacts_project import HISTORY, STATE, copied, going_on, log_probs, scores, start_from, transcript
from training_project import Project, table

from stages import export, features
from stages.preflight.reading import read_params

ARTEFACTS = Path(__file__).parent / "artefacts"
PROJECTS = [str(path.parent.relative_to(ARTEFACTS)) for path in sorted(ARTEFACTS.glob("*/*/params.yaml"))]
TRAINABLE = [name for name in PROJECTS if (ARTEFACTS / name / STATE).exists()]
RECIPES = sorted(ARTEFACTS.glob("*/recipes/*.yaml"))
SLOWLY_TRACED = ("chords", "phonemes")  # export takes more than five seconds
FLOAT16_STEP = 2.0**-10  # relative


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of a kept project, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    return copied(ARTEFACTS / request.param, tmp_path)


every_project = pytest.mark.parametrize("project", PROJECTS, indirect=True)
every_trainable = pytest.mark.parametrize("project", TRAINABLE, indirect=True)
every_export = pytest.mark.parametrize(
    "project",
    [pytest.param(name, marks=[pytest.mark.slow] * name.endswith(SLOWLY_TRACED)) for name in PROJECTS],
    indirect=True,
)


@every_project
def test_a_kept_checkpoint_is_evaluated_as_it_was(project: Project) -> None:
    found, expected = scores(project), project.json("expected.json")
    assert found["hypotheses"] == expected["hypotheses"]
    metrics = {name: found["metrics"][name] for name in expected["metrics"]}  # there may be more of them now
    assert metrics == pytest.approx(expected["metrics"], rel=1e-6)


@every_project
def test_a_kept_bundle_transcribes_as_it_did(project: Project) -> None:
    refuse_other_transcript(project)


@every_export
def test_a_kept_checkpoint_is_exported_to_what_transcribes_as_the_kept_bundle(project: Project) -> None:
    bundle = Path("artifacts/export")
    names = {path.name for path in bundle.iterdir()}
    shutil.rmtree(bundle)
    project.run(export)
    assert names <= {path.name for path in bundle.iterdir()}
    refuse_other_transcript(project)


def refuse_other_transcript(project: Project) -> None:
    """The recording says what it said, with the log-probabilities that it had."""
    found, expected = transcript(), project.json("expected.json")["transcript"]
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=2e-4)  # four digits
    np.testing.assert_allclose(log_probs(), np.load("log_probs.npy"), rtol=1e-4, atol=1e-4)


@every_project
def test_a_kept_params_file_can_be_used(project: Project) -> None:
    read_params(project.params)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_kept_recipe_can_be_used(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # without train.inputs, so that no hub is asked for a model
    read_params(path)


@every_trainable
def test_features_of_a_kept_manifest_are_the_kept_ones(project: Project) -> None:
    Path("data/features").rename("kept")
    project.run(features)
    found, kept = (sorted(Path(folder).glob("*/*")) for folder in ("data/features", "kept"))
    assert [path.parts[-2:] for path in found] == [path.parts[-2:] for path in kept]
    for pair in zip(found, kept, strict=True):
        refuse_other_rows(*pair)


def refuse_other_rows(path: Path, kept_path: Path) -> None:
    """Bytes are the same, too, unless another processor rounds a value otherwise, or pyarrow is another."""
    found, kept = pq.read_table(path), pq.read_table(kept_path)
    assert found.schema.equals(kept.schema, check_metadata=True)
    exact = [name for name in kept.column_names if name != "values"]
    assert found.select(exact).equals(kept.select(exact))
    if "values" in kept.column_names:
        stored = (b"".join(rows["values"].to_pylist()) for rows in (found, kept))
        ours, theirs = (np.frombuffer(content, np.float16) for content in stored)
        np.testing.assert_allclose(ours, theirs, rtol=FLOAT16_STEP, atol=FLOAT16_STEP)
    writers = {pq.read_metadata(each).created_by for each in (path, kept_path)}
    if found.equals(kept) and len(writers) == 1:
        assert path.read_bytes() == kept_path.read_bytes()


@every_trainable
def test_a_training_goes_on_from_a_kept_state(project: Project) -> None:
    kept, found = table(HISTORY), going_on(project)
    assert [{name: row[name] for name in kept[0]} for row in found[: len(kept)]] == kept
    losses = [float(row["val_loss"]) for row in found[len(kept) :]]
    assert losses == pytest.approx(project.json("expected.json")["val_losses_going_on"], rel=1e-4)


@every_trainable
@pytest.mark.parametrize("path", ["artifacts/train/best.ckpt", "artifacts/export/lightning.ckpt"])
def test_a_training_starts_from_kept_weights(project: Project, path: str) -> None:
    best = min(table(HISTORY), key=lambda row: float(row["val_cer"]))
    init_from = {"path": Path(path).name}
    if path.endswith("lightning.ckpt"):  # which does not say its vocabulary
        init_from["tokens"] = project.json("artifacts/train/tokens.json")
    learning_nothing = {"lr": 1e-9, "train.trainer.max_epochs": 1}
    (found,) = start_from(project, Path(path), {"train.init_from": init_from, **learning_nothing})
    assert float(found["val_loss"]) == pytest.approx(float(best["val_loss"]), rel=1e-4)
