# ruff: noqa: E501 - a row of the table is a line
"""params.yaml: invalid values, the paths in their messages, and all problems in one message."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.preflight.reading import read_params

WriteParams = Callable[..., Path]

ENCODER = "train.task.init_args.encoder"
SCHEDULES = "torch.optim.lr_scheduler"
TIMER = "lightning.pytorch.callbacks.Timer"
ONNX = "stages.formats.onnx_bundle.OnnxBundle"
BEAM = "stages.search.prefix_beam.PrefixBeam"
PLATEAU = f"{SCHEDULES}.ReduceLROnPlateau"
REFUSED: list[tuple[str, Any, str]] = [
    # misspelt keys, at any depth
    ("lrr", 1, r"^  lrr: unknown key \(did you mean lr\?\)"),
    ("manifest.rooot", "x", r"manifest\.rooot: unknown key \(did you mean root\?\)"),
    ("features.executor.num_proceses", 2, r"num_proceses: unknown key \(did you mean num_processes\?\)"),
    ("features.frontend.init_args.num_mel", 40, r"num_mel: unknown key \(did you mean num_mels\?\)"),
    (f"{ENCODER}.init_args.hiden_size", 8, r"encoder\.init_args\.hiden_size: unknown key \(did you mean hidden_size\?\)"),
    ("train.trainer.max_epoch", 3, r"train\.trainer\.max_epoch: unknown key \(did you mean max_epochs\?\)"),
    ("train.schedule.intervall", "step", r"train\.schedule\.intervall: unknown key"),
    ("evaluate.splitt", "test", r"evaluate\.splitt: unknown key \(did you mean split\?\)"),
    ("features.executor", {"num_processes": 2, "dask_scheduler": "tcp://a:1"}, r"features\.executor: a Dask cluster has its own number of processes"),
    ("manifest.train_seconds", {"min": 3.0, "max": 2.0}, r"manifest\.train_seconds: .*min, 3, is greater than max, 2"),
    ("features.executor", {"dask_scheduler": "here"}, r"features\.executor\.dask_scheduler: .*match pattern"),
    # wrong types
    ("lr", "abc", r"^  lr: .*valid number, found 'abc'"),
    ("lr", None, r"^  lr: .*valid number, found None"),
    ("seed", 1.5, r"^  seed: .*valid integer, found 1\.5"),
    ("seed", True, r"^  seed: .*valid integer, found True"),
    ("features.sample_rate", "16k", r"features\.sample_rate: .*valid integer"),
    ("manifest.splits", "train", r"manifest\.splits: .*valid array"),
    ("train.trainer.max_epochs", "many", r"train\.trainer\.max_epochs: .*valid integer"),
    ("train.optimizer.init_args.betas", 0.9, r"train\.optimizer\.init_args\.betas: .*valid (tuple|array)"),
    (f"{ENCODER}.init_args.dropout", "high", r"encoder\.init_args\.dropout: .*valid number"),
    # impossible values
    ("lr", -1.0, r"^  lr: .*greater than 0"),
    ("lr", float("nan"), r"^  lr: .*finite"),
    ("manifest.max_rejected", 1.5, r"max_rejected: .*less than or equal to 1"),
    (f"{ENCODER}.init_args.dropout", 1.0, r"encoder\.init_args\.dropout: .*less than 1"),
    ("evaluate.split", "dev", r"evaluate\.split: .*'validation' or 'test'"),
    ("manifest.corpora", [], r"manifest\.corpora: .*at least 1 item"),
    ("train.trainer.accelerator", "abacus", r"train\.trainer: lightning\.Trainer refuses.*abacus"),
    ("train.trainer.precision", "7-bit", r"train\.trainer\.precision: "),
    ("train.trainer.accumulate_grad_batches", 0, r"accumulate_grad_batches: .*greater than 0"),
    ("train.trainer.check_val_every_n_epoch", 0, r"check_val_every_n_epoch: .*greater than 0"),
    ("train.trainer.val_check_interval", 0, r"val_check_interval: .*greater than 0"),
    ("train.trainer.limit_val_batches", 0, r"limit_val_batches: .*greater than 0"),
    ("train.trainer.gradient_clip_val", -1.0, r"gradient_clip_val: .*greater than or equal to 0"),
    ("train.trainer.max_epochs", 0, r"train\.trainer\.max_epochs: nothing would be trained"),
    ("train.optimizer.init_args.weight_decay", -1.0, r"train\.optimizer: torch\.optim\.AdamW refuses.*weight_decay"),
    ("train.optimizer.init_args.betas", [0.9, 1.5], r"train\.optimizer: torch\.optim\.AdamW refuses.*beta"),
    ("train.schedule", {"class_path": f"{SCHEDULES}.OneCycleLR", "init_args": {"pct_start": 7.0}}, r"train\.schedule: .*OneCycleLR refuses.*pct_start"),
    ("features.frontend.init_args", {"max_hz": 9000.0}, r"features\.frontend: .*LogMel refuses.*9000"),
    ("train.callbacks", [{"class_path": "lightning.pytorch.callbacks.ModelCheckpoint"}], r"train\.callbacks\[0\]: .*train\.checkpoint"),
    # folders that overlap the outputs of a stage
    ("manifest.root", "", r"manifest\.root: must not overlap data/manifest"),
    ("manifest.root", ".", r"manifest\.root: must not overlap"),
    ("manifest.root", "data/manifest/more", r"manifest\.root: must not overlap data/manifest"),
    ("train.inputs", "artifacts/train", r"train\.inputs: must not overlap artifacts, .*found 'artifacts/train'"),
    ("train.inputs", "data/features", r"train\.inputs: must not overlap data/features"),
    ("features.inputs", "data/manifest", r"features\.inputs: must not overlap data/manifest"),
    ("evaluate.inputs", "artifacts", r"evaluate\.inputs: must not overlap artifacts"),
    # missing or too short values
    ("train.schedule", {"class_path": f"{SCHEDULES}.StepLR"}, r"train\.schedule\.init_args\.step_size: missing"),
    ("train.schedule", {"init_args": {}}, r"train\.schedule\.class_path: missing"),
    ("train.optimizer.init_args.betas", [0.9], r"train\.optimizer\.init_args\.betas\[1\]: missing"),
    ("manifest", None, r"^  manifest: Input should be .*found None"),
    ("train.optimizer", "AdamW", r"train\.optimizer: Input should be keys and values, found 'AdamW'"),
    # classes
    ("features.frontend.class_path", "stages.frontends.log_mell.LogMel", r"features\.frontend\.class_path: cannot import"),
    ("features.frontend.class_path", "stages.frontends.log_mel.LogMell", r"did you mean stages\.frontends\.log_mel\.LogMel\?"),
    ("features.frontend.class_path", "collections.Counter", r"collections\.Counter is not a subclass of stages\.frontends\.frontend\.Frontend"),
    ("features.frontend.class_path", "LogMel", r"is not a dotted path"),
    ("features.frontend.class_path", ".log_mel.LogMel", r"features\.frontend\.class_path: .*is not a dotted path"),
    ("seed", 2**32, r"seed: Input should be less than 4294967296"),
    ("features.sample_rate", 10**9, r"features\.sample_rate: Input should be less than or equal to 768000"),
    ("evaluate.split", "train", r"evaluate\.split: .*'validation' or 'test'"),
    ("train.trainer.use_distributed_sampler", True, r"use_distributed_sampler: must not be set here: it is always false, as the stage"),
    ("train.callbacks", [{"class_path": TIMER, "init_args": {"duration": "x"}}], r"train\.callbacks\[0\]: "),
    ("train.callbacks", [{"class_path": "lightning.pytorch.callbacks.LambdaCallback", "init_args": {"setup": {"class_path": TIMER}}}], r"train\.callbacks\[0\]\.init_args\.setup: .*callable"),
    ("export.formats", [{"class_path": ONNX}] * 2, r"export\.formats: .*OnnxBundle appears twice"),
    (
        "train.task",
        {"class_path": "stages.tasks.seq2seq.Seq2Seq", "init_args": {"ctc_weight": 0.0}},
        r"export\.formats: with ctc_weight 0 there are no framewise log-probabilities: raise it, or",
    ),
    ("export.formats", [{"class_path": "stages.formats.format.Format"}], r"is a base class; use a subclass"),
    # values that the pipeline sets
    ("train.optimizer.init_args.lr", 0.1, r"train\.optimizer\.init_args\.lr: .*the top-level lr, the one learning rate"),
    ("train.schedule.init_args.total_steps", 9, r"total_steps: must not be set here: it is counted by the stage"),
    ("train.trainer.default_root_dir", "/tmp", r"train\.trainer\.default_root_dir: must not be set here"),
    # pairs that do not fit together
    ("train.frontend", {"class_path": "stages.frontends.log_mel.LogMel"}, r"train\.frontend: needs cached waveforms"),
    ("features.frontend", {"class_path": "stages.frontends.waveform.Waveform"}, r"train\.task\.init_args\.encoder: .*takes features, .*: set train\.frontend"),
    (ENCODER, {"class_path": "stages.models.wav2vec2.Wav2Vec2"}, r"train\.task\.init_args\.encoder: .*takes waveforms: set features\.frontend"),
    ("manifest.splits", ["train", "validation"], r"manifest\.splits: 'test' is missing"),
    ("manifest.splits", ["train", "validation", "test", "test"], r"manifest\.splits: 'test' appears twice"),
    ("train.checkpoint.monitor", "val_per", r"train\.checkpoint\.monitor: not a logged metric; logged are .*val_wer.*found 'val_per'"),
    ("train.early_stopping", {"monitor": "loss", "mode": "min", "patience": 2}, r"train\.early_stopping\.monitor: not a logged metric"),
    ("train.schedule", {"class_path": PLATEAU, "interval": "epoch", "monitor": "x"}, r"train\.schedule\.monitor: not a logged metric"),
    ("train.schedule", {"class_path": PLATEAU, "interval": "epoch"}, r"train\.schedule: .*Plateau needs monitor"),
    ("train.schedule", {"class_path": PLATEAU, "monitor": "val_wer"}, r"train\.schedule: .*Plateau needs interval: epoch"),
    ("train.callbacks", [{"class_path": "lightning.pytorch.callbacks.StochasticWeightAveraging", "init_args": {"swa_lrs": 0.1}}], r"train\.callbacks\[0\]: its count is lost .*EMAWeightAveraging"),
    (ENCODER, {"class_path": "stages.models.conformer.Conformer", "init_args": {"width": 30}}, r"width 30 must be"),
    ("train.schedule.init_args.warmup_steps", 10, r"train\.schedule\.init_args: set warmup_fraction or warmup_steps, not both"),
    ("train.schedule", {"class_path": "stages.schedules.warmup.Warmup"}, r"train\.schedule\.class_path: .*is a base class"),
    # a search and its language model
    ("evaluate.search", {"class_path": BEAM, "init_args": {"alpha": 0.5}}, r"evaluate\.search\.init_args: alpha and beta need a language_model, but none is set"),
    ("evaluate.search", {"class_path": BEAM, "init_args": {"language_model": "/lm.arpa"}}, r"evaluate\.search\.init_args\.language_model: must be relative .*evaluate\.inputs"),
    ("evaluate.search", {"class_path": BEAM, "init_args": {"tokens": None}}, r"evaluate\.search\.init_args\.tokens: must not be set here: it is train\.tokens"),
    ("evaluate.search", {"class_path": BEAM, "init_args": {"cutoff_prob": 0.0}}, r"evaluate\.search\.init_args\.cutoff_prob: .*greater than 0"),
    # groups and initial weights
    ("train.groups", [{"pattern": "*", "lr_scal": 1.0}], r"train\.groups\[0\]\.lr_scal: unknown key \(did you mean lr_scale\?\)"),
    ("train.groups", [{"pattern": "*", "lr_scale": 0.0}], r"train\.groups\[0\]\.lr_scale: .*greater than 0"),
    ("train.groups", [{"lr_scale": 0.1}], r"train\.groups\[0\]\.pattern: missing"),
    ("train.groups", [{"pattern": "*", "unfreeze_epoch": 0}], r"train\.groups\[0\]\.unfreeze_epoch: .*greater than 0"),
    ("train.groups", [{"pattern": "*", "unfreeze_epoch": 20}], r"train\.groups\[0\]\.unfreeze_epoch: training ends after 20 epochs \(0 to 19\); use frozen: true, found 20"),
    ("train.groups", [{"pattern": "*", "frozen": True, "unfreeze_epoch": 3}], r"train\.groups\[0\]: frozen is for the whole training: leave out frozen or unfreeze_epoch"),
    ("train.groups", [{"pattern": "*", "frozen": True, "lr_scale": 0.1}], r"train\.groups\[0\]: frozen parameters have no learning rate: leave out frozen or lr_scale"),
    ("train.init_from", {"path": "/tmp/best.ckpt"}, r"train\.init_from\.path: must be relative to train\.inputs and inside it"),
    ("train.init_from", {"path": "../../artifacts/train/best.ckpt"}, r"train\.init_from\.path: must be relative to train\.inputs"),
    ("train.init_from", {"path": "best.ckpt", "strikt": False}, r"train\.init_from\.strikt: unknown key \(did you mean strict\?\)"),
    ("train.init_from", {"path": "best.ckpt", "strict": False, "restore_optimizer": True}, r"train\.init_from: restore_optimizer and restore_schedule need strict: true"),
]  # fmt: skip


def message(path: Path) -> str:
    with pytest.raises(ValueError, match="problem") as refused:
        read_params(path)
    return str(refused.value)


@pytest.mark.parametrize(("key", "value", "expected"), REFUSED)
def test_a_wrong_value_is_refused_at_its_path(
    write_params: WriteParams, key: str, value: Any, expected: str
) -> None:
    text = message(write_params({key: value}))
    assert re.search(expected, text, re.MULTILINE), text


def test_an_encoder_that_is_not_written_is_asked_what_it_takes_too(write_params: WriteParams) -> None:
    changes = {"features.frontend": {"class_path": "stages.frontends.waveform.Waveform"}}
    text = message(write_params({**changes, "train.task": {"class_path": "stages.tasks.ctc.CTC"}}))
    assert re.search(r"train\.task.*: stages.models.conformer.Conformer takes features", text), text


def test_every_problem_is_said_at_once(write_params: WriteParams) -> None:
    text = message(
        write_params(
            {"lr": "abc", "manifest.rooot": 1, f"{ENCODER}.init_args.hiden_size": 8, "export.formats": None}
        )
    )
    assert "4 problem(s)" in text
    for path in ("lr:", "manifest.rooot:", f"{ENCODER}.init_args.hiden_size:", "export.formats:"):
        assert f"\n  {path}" in text


def test_problems_between_sections_are_said_beside_those_within(write_params: WriteParams) -> None:
    text = message(
        write_params(
            {
                "train.trainer.max_epoch": 3,
                "manifest.splits": ["train", "train"],
                "manifest.carve": {"validation": 0.5, "test": 0.5},
                "train.checkpoint.monitor": "loss",
                "train.optimizer.init_args.weight_decay": -1.0,
            }
        )
    )
    assert "7 problem(s)" in text
    for line in (
        "train.trainer.max_epoch: unknown key",
        "manifest.splits: 'train' appears twice or 'test' is missing",
        "manifest.carve: the fractions",
        "manifest.carve.test: 'test' is not among",
        "manifest.carve.validation: 'validation' is not among",
        "train.checkpoint.monitor: not a logged metric",
        "train.optimizer: torch.optim.AdamW refuses",
    ):
        assert f"\n  {line}" in text


def test_every_problem_of_one_part_is_said_at_once(write_params: WriteParams) -> None:
    arguments = {"lr": 1.0, "params": [], "betass": 1, "weight_decay": "much"}
    optimizer = {"class_path": "torch.optim.AdamW", "init_arg": {}, "init_args": arguments}
    text = message(write_params({"train.optimizer": optimizer}))
    assert "5 problem(s)" in text
    for key in ("init_arg", *(f"init_args.{name}" for name in arguments)):
        assert f"\n  train.optimizer.{key}: " in text


def test_a_plateau_schedule_that_can_run_is_taken(write_params: WriteParams) -> None:
    schedule = {"class_path": PLATEAU, "interval": "epoch", "monitor": "val_wer"}
    assert read_params(write_params({"train.schedule": schedule})).train.schedule is not None


def test_a_group_keeps_its_share_of_the_learning_rate_to_the_floor_of_a_schedule(
    write_params: WriteParams,
) -> None:
    schedule = {"class_path": f"{SCHEDULES}.CosineAnnealingLR", "init_args": {"T_max": 9, "eta_min": 1e-6}}
    groups = [{"pattern": "encoder.*", "lr_scale": 0.1}]
    text = message(write_params({"train.schedule": schedule, "train.groups": groups}))
    assert "train.groups[0].lr_scale: eta_min would be the same for every group; use WarmupCosine" in text


def test_a_schedule_that_is_restored_must_be_there(write_params: WriteParams) -> None:
    start = {"path": "model.ckpt", "restore_schedule": True}
    text = message(write_params({"train.init_from": start, "train.schedule": None}))
    assert "train.init_from.restore_schedule: needs a train.schedule to restore" in text


def test_the_first_stage_refuses_the_whole_file_before_it_reads_anything(write_params: WriteParams) -> None:
    path = write_params({f"{ENCODER}.init_args.hiden_size": 8, "evaluate.splitt": "test"})
    for module in ("stages.manifest", "stages.schema"):
        arguments = ["--params", str(path)] if module == "stages.manifest" else [str(path)]
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "hiden_size: unknown key" in done.stderr
        assert "evaluate.splitt: unknown key" in done.stderr
