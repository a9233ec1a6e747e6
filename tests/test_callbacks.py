"""What users see of a training: curves, pace, samples, names, records, loggers."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_project import Project, table, training_project

from stages import train
from stages.callbacks import history, pace, run_name
from stages.callbacks.epoch_seed import EpochSeed
from stages.callbacks.pace import PaceBar
from stages.callbacks.run_name import built_name, name_of_run
from stages.callbacks.run_record import note_code
from stages.callbacks.sample_table import markdown_table
from stages.callbacks.training_picture import draw
from stages.preflight.reading import read_params
from stages.schema.params import Train

PNG = b"\x89PNG\r\n"
LOGS = Path("artifacts/logs")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def norm_of(gradients: list[Any]) -> float:
    return float(np.sqrt(sum(float((gradient**2).sum()) for gradient in gradients)))


def test_the_history_holds_the_mean_gradient_norm_before_clipping(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    norms: list[list[float]] = [[], []]

    def note(callback: EpochSeed, trainer: Any, module: Any, *_: Any) -> None:
        norms[trainer.current_epoch].append(norm_of([p.grad for p in module.parameters()]))

    monkeypatch.setattr(EpochSeed, "on_before_optimizer_step", note, raising=False)
    project.set({"train.trainer.gradient_clip_val": 1e-3})
    project.run(train)
    found = [float(row["grad_norm"]) for row in table(Path("artifacts/train/history.csv"))]
    assert found == pytest.approx([sum(epoch) / len(epoch) for epoch in norms], rel=1e-5)


def test_steps_are_logged_in_csv_and_tensorboard_under_the_runs_name(project: Project) -> None:
    project.set({"train.run_name": "my run", "train.trainer.log_every_n_steps": 2})
    project.run(train)
    rows = [row for row in table(LOGS / "csv/my run/version_0/metrics.csv") if row["train_loss_step"]]
    steps = project.json("artifacts/logs/train.json")["steps"]
    assert [int(row["step"]) for row in rows] == list(range(2, steps + 1, 2))
    assert all(float(row["grad_norm_step"]) > 0 and float(row["lr"]) > 0 for row in rows)
    events = EventAccumulator(str(LOGS / "tensorboard" / "my run"))
    events.Reload()
    assert {"train_loss_step", "grad_norm_step", "lr", "val_cer", "grad_norm"} <= set(
        events.Tags()["scalars"]
    )


def test_tensorboard_has_a_table_of_the_same_samples_at_every_validation(project: Project) -> None:
    project.set({"train.run_name": "samples"})
    project.run(train)
    events = EventAccumulator(str(LOGS / "tensorboard" / "samples"))
    events.Reload()
    tables = [event.tensor_proto.string_val[0].decode() for event in events.Tensors("samples/text_summary")]
    assert len(tables) == 2
    first, second = ([line.split(" | ")[:2] for line in shown.split("\n")] for shown in tables)
    assert first == second
    assert len(first) == 2 + 6, "a head, a rule, and every utterance of a small validation split"


def test_a_transcript_is_no_markdown() -> None:
    shown = markdown_table([("u_1", "a | *b*", "<b>")])
    assert shown.split("\n")[2] == r"u\_1 | a \| \*b\* | &lt;b&gt;"


def test_training_leaves_a_picture_of_its_curves(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "draw", draw)
    project.run(train)
    path = LOGS / "training.png"
    assert path.read_bytes().startswith(PNG)
    path.unlink()
    command = [sys.executable, "-m", "stages.callbacks.training_picture"]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(Path(train.__file__).parents[1])})
    assert path.read_bytes().startswith(PNG)


def test_without_matplotlib_there_is_one_line_and_no_picture(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(history, "find_spec", lambda _: None)
    project.run(train)
    assert capsys.readouterr().out.count("no artifacts/logs/training.png: matplotlib is not installed") == 1
    assert not (LOGS / "training.png").exists()


@pytest.mark.parametrize(
    "text",
    [
        "epoch,step,lr\n",
        "epoch,step,lr,train_loss,val_cer\n0,5,0.1,,0.5\n",
        "epoch,step,lr,val_loss,val_root_acc,grad_norm\n0,5,0.1,0,0.5,0\n0,9,0.1,1,0.6,2\n",
    ],
    ids=["no validation yet", "a column with gaps", "several validations in an epoch"],
)
def test_any_history_can_be_drawn(text: str) -> None:
    assert draw(text).startswith(PNG)


def test_the_report_and_the_record_give_hours_of_audio_an_hour(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run(train)
    lines = [line for line in capsys.readouterr().out.split("\n") if line.startswith("epoch ")]
    assert len(lines) == 2
    assert all(" h/h  " in line and line.endswith(" s left") for line in lines)
    record = project.json("artifacts/logs/train.json")
    assert record["hours_of_audio_per_hour"] > 0
    assert (record["train_utterances"], record["validation_utterances"], record["seed"]) == (24, 6, 0)
    assert 0 < record["train_hours"] * 3600 < 24 * 10


def test_the_progress_bar_shows_the_pace_beside_the_metrics(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[dict[str, Any]] = []
    get_metrics = PaceBar.get_metrics
    monkeypatch.setattr(pace, "SECONDS_BETWEEN_READINGS", 0.0)
    monkeypatch.setattr(PaceBar, "get_metrics", lambda *given: shown.append(get_metrics(*given)) or shown[-1])
    project.set({"train.trainer.enable_progress_bar": True})
    project.run(train)
    assert float(shown[-1]["h/h"]) > 0
    assert "all" in shown[-1]


def test_a_progress_bar_among_the_callbacks_is_the_only_one(project: Project) -> None:
    own = {"class_path": "lightning.pytorch.callbacks.TQDMProgressBar", "init_args": {"refresh_rate": 5}}
    project.set({"train.callbacks": [own]})
    project.run(train)


def test_a_run_is_called_by_its_network_optimizer_batch_size_and_time(tmp_path: Path) -> None:
    settings = Train.model_construct(
        task=run_name.Part(
            class_path="stages.tasks.ctc.CTC",
            init_args={
                "encoder": {
                    "class_path": "stages.models.wav2vec2.Wav2Vec2",
                    "init_args": {"freeze_feature_extractor": True, "freeze_transformer": True},
                }
            },
        ),
        optimizer=run_name.Part(class_path="torch.optim.AdamW"),
        batching=train.schema.Batching(max_batch_seconds=60.0, max_batch_size=4, num_workers=0),
    )
    assert built_name(settings, datetime(2024, 10, 22, 15, 30)) == (
        "network_Wav2Vec2_freeze_true_transformer_true_optimizer_AdamW_batch_size_4_time_22_10_2024_15_30"
    )


def test_a_name_without_a_batch_size_has_the_batches_seconds(write_params: Any) -> None:
    settings = read_params(write_params({})).train
    assert built_name(settings, datetime(2024, 1, 2, 3, 4)) == (
        "network_SimpleCTC_optimizer_AdamW_batch_seconds_16_time_02_01_2024_03_04"
    )


def test_the_encoder_that_a_task_has_by_default_names_the_run(write_params: Any) -> None:
    task = {"class_path": "stages.tasks.ctc.CTC"}
    settings = read_params(write_params({"train.task": task})).train
    assert built_name(settings, datetime(2024, 1, 2)).startswith("network_Conformer_optimizer_AdamW_")


def test_a_resumed_run_keeps_its_name_and_another_run_gets_one_of_its_own(
    tmp_path: Path, write_params: Any
) -> None:
    settings = read_params(write_params({"train.run_name": "mine"})).train
    assert name_of_run(settings, tmp_path / "first", tmp_path / "logs") == "mine"
    (tmp_path / "logs" / "mine").mkdir(parents=True)
    assert name_of_run(settings, tmp_path / "first", tmp_path / "logs") == "mine"
    assert name_of_run(settings, tmp_path / "second", tmp_path / "logs") == "mine_2"


def test_a_name_that_is_no_folders_name_is_refused(write_params: Any) -> None:
    with pytest.raises(ValueError, match=r"train\.run_name: String should match"):
        read_params(write_params({"train.run_name": "../elsewhere"}))


def test_uncommitted_changes_are_kept_as_a_patch_while_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert note_code(LOGS) is None
    assert not (LOGS / "uncommitted.patch").exists()
    identity = ["-c", "user.email=a@b.c", "-c", "user.name=a"]
    Path("params.yaml").write_text("lr: 1\n")
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], check=True)
    commit = note_code(LOGS)
    assert commit
    assert len(commit) == 40
    Path("params.yaml").write_text("lr: 2\n")
    Path("secret.txt").write_text("token")
    assert note_code(LOGS) == commit
    patch = (LOGS / "uncommitted.patch").read_text()
    assert "-lr: 1\n+lr: 2\n" in patch
    assert "token" not in patch
    Path("params.yaml").write_text("lr: 1\n")
    note_code(LOGS)
    assert not (LOGS / "uncommitted.patch").exists()


OFFLINE = {
    "class_path": "lightning.pytorch.loggers.WandbLogger",
    "init_args": {"offline": True, "project": "earshot"},
}


def test_a_logger_whose_package_is_missing_names_the_extra(
    write_params: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.preflight.packages.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"train\.loggers\[0\]: needs the package wandb: pip .*\[wandb\]"):
        read_params(write_params({"train.loggers": [OFFLINE]}))


def test_weights_and_biases_logs_offline(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    project.set({"train.loggers": [OFFLINE], "train.run_name": "mine"})
    project.run(train)
    assert wandb.run.name == "mine"
    assert wandb.run.project == "earshot"
    assert wandb.run.summary["val_cer"] >= 0
    wandb.finish()
    assert list((LOGS / "wandb").glob("offline-run-*/*.wandb"))
