"""The train stage, on the tone corpus in its own folder."""

from pathlib import Path
from typing import Any

import pytest
import torch
from ruamel.yaml import YAML
from training_project import Project, table, training_project

from stages import evaluate, export, features, train
from stages.callbacks.epoch_seed import EpochSeed
from stages.preflight.reading import read_params
from stages.program.inputs import Inputs
from stages.schema.manifest_row import read_manifest, write_rows

DVC_YAML = Path(__file__).parents[1] / "dvc.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def declared_outputs(stage: str) -> list[str]:
    """The paths that dvc.yaml names as outs, plots and metrics of a stage."""
    found = YAML(typ="safe").load(DVC_YAML.read_text())["stages"][stage]
    entries = [entry for kind in ("outs", "plots", "metrics") for entry in found.get(kind, [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def history(project: Project) -> list[dict[str, str]]:
    return table(project.folder / "artifacts" / "train" / "history.csv")


def test_training_leaves_whole_outputs_and_a_row_a_validation(project: Project) -> None:
    project.run(train)
    names = {path.name for path in (project.folder / "artifacts" / "train").iterdir()}
    expected = {"best.ckpt", "last.ckpt", "checkpoints", "history.csv", "validation"}
    assert names == expected | {"tokens.json", "params.yaml"}
    rows = history(project)
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"lr", "step", "train_loss", "val_loss", "val_wer", "val_cer", "val_blank_ratio"} <= set(rows[0])
    assert list((project.folder / "artifacts" / "logs" / "tensorboard").rglob("events.*"))
    assert project.json("artifacts/logs/train.json")["epochs"] == 2


def test_a_checkpoint_holds_no_path_and_no_clock_and_runs_no_code(project: Project) -> None:
    project.run(train)
    path = project.folder / "artifacts" / "train" / "best.ckpt"
    assert str(project.folder).encode() not in path.read_bytes()
    first = path.read_bytes()
    assert set(torch.load(path, weights_only=True)) == {"recipe", "state_dict"}
    project.run(train)
    assert path.read_bytes() == first


def test_a_fast_dev_run_still_leaves_every_output(project: Project) -> None:
    project.change(lambda document: document["train"]["trainer"].update(fast_dev_run=True))
    for stage in (train, evaluate, export):
        project.run(stage)
    declared = {path for stage in ("train", "evaluate", "export") for path in declared_outputs(stage)}
    assert len(declared) >= 10
    assert [path for path in sorted(declared) if not (project.folder / path).exists()] == []


def test_utterances_too_short_for_their_transcripts_are_named_and_left_out(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_manifest(Path("data/manifest/train.json"))
    impossible = rows[0].model_copy(update={"text": "ab" * 200})
    write_rows(Path("data/manifest/train.json"), [impossible, *rows[1:]])
    project.run(features)
    project.run(train)
    assert f"left out of training: 1 utterances too short for their transcripts, first {rows[0].id}" in (
        capsys.readouterr().out
    )


def test_a_loss_that_is_not_finite_names_the_utterances(project: Project) -> None:
    def explode(document: dict[str, Any]) -> None:
        document["lr"] = 1e30
        document["train"]["trainer"]["gradient_clip_val"] = None

    project.change(explode)
    with pytest.raises(ValueError, match=r"training loss became .* utterances train-\d"):
        project.run(train)
    assert not (project.folder / "artifacts" / "train" / "best.ckpt").exists()


class Killed(BaseException):
    """Ends a training in the middle, as a signal does."""


@pytest.mark.parametrize(
    ("section", "values"),
    [("batching", {"num_workers": 2}), ("trainer", {"check_val_every_n_epoch": 2})],
    ids=["with loader workers", "validating every second epoch"],
)
@pytest.mark.parametrize("epoch", [1, 2])
def test_a_training_killed_in_any_epoch_resumes_to_the_same_bytes(
    project: Project, monkeypatch: pytest.MonkeyPatch, section: str, values: dict[str, Any], epoch: int
) -> None:
    def four_epochs(document: dict[str, Any]) -> None:
        document["train"]["trainer"]["max_epochs"] = 4
        document["train"][section] |= values

    def kill(callback: EpochSeed, trainer: Any, *_: Any) -> None:
        if trainer.current_epoch == epoch:
            raise Killed

    project.change(four_epochs)
    project.run(train)
    folder = project.folder / "artifacts" / "train"
    uninterrupted = {name: (folder / name).read_bytes() for name in ("best.ckpt", "last.ckpt", "history.csv")}
    monkeypatch.setattr(EpochSeed, "on_train_batch_end", kill, raising=False)
    with pytest.raises(Killed):
        project.run(train)
    monkeypatch.delattr(EpochSeed, "on_train_batch_end")
    project.run(train)
    assert {name: (folder / name).read_bytes() for name in uninterrupted} == uninterrupted


def fine_tune(project: Project, **settings: Any) -> None:
    """Train a checkpoint, and start the next training from it, part by part, on a plateau schedule."""
    project.run(train)
    (project.folder / "data/raw/none/model.ckpt").write_bytes(Path("artifacts/train/best.ckpt").read_bytes())
    plateau = "torch.optim.lr_scheduler.ReduceLROnPlateau"
    changes = {
        "init_from": {"path": "model.ckpt", **settings},
        "groups": [
            {"pattern": "encoder.layers.0.*", "frozen": True},
            {"pattern": "encoder.*", "lr_scale": 0.5, "unfreeze_epoch": 1},
        ],
        "schedule": {
            "class_path": plateau, "init_args": {"patience": 0, "threshold": 9.0, "threshold_mode": "abs"},
            "interval": "epoch", "monitor": "val_loss",
        },
    }  # fmt: skip
    project.change(lambda document: document["train"].update(changes))


def test_training_from_a_checkpoint_starts_better_than_from_scratch(project: Project) -> None:
    fine_tune(project)
    scratch = history(project)
    project.run(train)
    assert float(history(project)[0]["val_loss"]) < min(float(row["val_loss"]) for row in scratch)
    report = project.json("artifacts/logs/init_from.json")
    assert (len(report["loaded"]), report["missing"], report["unexpected"]) == (6, [], [])


def test_what_is_frozen_leaves_training_as_it_came(project: Project) -> None:
    fine_tune(project)
    project.run(train)
    before, after = (
        torch.load(path, weights_only=True)["state_dict"]
        for path in ("data/raw/none/model.ckpt", "artifacts/train/last.ckpt")
    )
    same = {name for name in before if before[name].equal(after[name])}
    assert same == {"encoder.layers.0.weight", "encoder.layers.0.bias"}
    record = project.json("artifacts/logs/train.json")
    assert record["parameters"] - record["trainable_parameters"] == 2 * 80  # of the frozen LayerNorm


def test_a_killed_fine_tuning_resumes_to_the_same_bytes_and_starts_from_its_checkpoint_but_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(callback: EpochSeed, trainer: Any, *_: Any) -> None:
        if trainer.current_epoch == 2:
            raise Killed

    project.change(lambda document: document["train"]["trainer"].update(max_epochs=4))
    fine_tune(project)
    project.run(train)
    folder = project.folder / "artifacts" / "train"
    uninterrupted = {name: (folder / name).read_bytes() for name in ("best.ckpt", "last.ckpt", "history.csv")}
    monkeypatch.setattr(EpochSeed, "on_train_batch_end", kill, raising=False)
    with pytest.raises(Killed):
        project.run(train)
    monkeypatch.delattr(EpochSeed, "on_train_batch_end")
    report = project.folder / "artifacts" / "logs" / "init_from.json"
    report.unlink()
    project.run(train)
    assert not report.exists()
    assert {name: (folder / name).read_bytes() for name in uninterrupted} == uninterrupted
    assert len({row["lr"] for row in history(project)}) > 1  # the plateau was reached


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"groups": [{"pattern": "encodr.*"}]},
            r"train\.groups\[0\]\.pattern: 'encodr\.\*' matches no parameter",
        ),
        ({"groups": [{"pattern": "*", "frozen": True}]}, r"train\.groups: every parameter is frozen"),
        ({"init_from": {"path": "model.ckpt"}}, r"data/raw/none/model\.ckpt: no such file"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_a_batch(
    project: Project, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], expected: str
) -> None:
    monkeypatch.setattr(EpochSeed, "on_train_epoch_start", lambda *_: pytest.fail("training began"))
    project.change(lambda document: document["train"].update(changes))
    with pytest.raises(ValueError, match=expected):
        project.run(train)


def test_a_training_that_never_validates_has_no_best_checkpoint(project: Project) -> None:
    project.set({"train.trainer.max_steps": 1, "train.batching.max_batch_seconds": 8.0})
    with pytest.raises(ValueError, match="it never validated"):
        project.run(train)


def test_a_missing_input_is_named_before_anything_runs(project: Project) -> None:
    project.change(lambda document: document["train"].update(inputs="data/raw/nowhere"))
    with pytest.raises(ValueError, match="data/raw/nowhere: no such file or folder"):
        project.run(train)


def test_a_model_learns_from_cached_waveforms_too(project: Project) -> None:
    def on_the_device(document: dict[str, Any]) -> None:
        document["train"]["frontend"] = document["features"]["frontend"]
        document["features"]["frontend"] = {"class_path": "stages.frontends.waveform.Waveform"}

    project.run(train)
    cached = history(project)
    project.change(on_the_device)
    project.run(features)
    project.run(train)
    for row, before in zip(history(project), cached, strict=True):
        assert float(row["val_loss"]) == pytest.approx(float(before["val_loss"]), rel=0.05)


def test_what_changed_while_a_stage_ran_is_named(project: Project) -> None:
    def edit_meanwhile(params: Any, inputs: Inputs) -> None:
        project.change(lambda document: document.update(lr=0.5))
        Path("data/features/train/index.parquet").touch()

    with pytest.raises(
        ValueError, match=r"changed while the stage ran: data/features/train/index.*params\.yaml"
    ):
        train.STAGE.run(edit_meanwhile, project.params, read=read_params)
    assert read_params(project.params).lr == 0.5
