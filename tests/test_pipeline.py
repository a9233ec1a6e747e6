"""The guarantees of the pipeline, on a real DVC project: a copy of this one with the smoke recipe."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from dvc_project import Project, make_project
from params_document import vouch_with_own_code

ROOT = Path(__file__).parents[1]
ALL = ["manifest", "features", "train", "evaluate", "export"]
# A changed value, and the stages that DVC then calls changed (what is downstream of them follows).
CHANGED_BY: list[tuple[str, Any, list[str]]] = [
    ("seed", 7, ["train"]),
    ("lr", 1e-4, ["train"]),
    ("manifest.seed", 7, ["manifest"]),
    ("manifest.max_rejected", 0.5, ["manifest"]),
    ("features.inputs", "data/raw/default", ["features"]),
    ("features.sample_rate", 8000, ["features"]),
    ("features.executor.num_processes", 2, ["features"]),
    ("train.optimizer.init_args.weight_decay", 0.1, ["train"]),
    ("train.trainer.max_epochs", 9, ["train"]),
    ("evaluate.split", "validation", ["evaluate"]),
    ("evaluate.inputs", "data/raw/default", ["evaluate"]),
    ("export.formats", [], ["export"]),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The pipeline, run once."""
    # Epochs enough to be killed between, on a busy machine too.
    made = make_project(tmp_path_factory.mktemp("project").resolve(), max_epochs=16)
    assert ran(made.dvc("repro")) == ALL
    made.commit()
    return made


@pytest.fixture
def edited(project: Project) -> Iterator[Project]:
    """The project, its params put back afterwards."""
    yield project
    project.run("git", "checkout", "-q", ".")


@pytest.fixture
def rerun(edited: Project) -> Iterator[Project]:
    """The project, its outputs too put back afterwards."""
    yield edited
    edited.restore()


def ran(output: str) -> list[str]:
    return re.findall(r"Running stage '(\w+)'", output)


def test_a_second_run_has_nothing_to_do(project: Project) -> None:
    assert ran(project.dvc("repro")) == []
    assert project.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize(("key", "value", "stages"), CHANGED_BY, ids=[key for key, *_ in CHANGED_BY])
def test_a_value_changes_the_stage_that_reads_it_and_no_other(
    edited: Project, key: str, value: Any, stages: list[str]
) -> None:
    edited.set({key: value})
    assert list(json.loads(edited.dvc("status", "--json"))) == stages


@pytest.mark.parametrize(
    ("page", "stages"),
    [("champions.html", []), ("augmentation_preview.html", []), ("corpus_report.html", ["manifest"])],
)
def test_a_template_changes_the_stage_that_renders_it_and_no_other(
    edited: Project, page: str, stages: list[str]
) -> None:
    with (edited.folder / "stages" / "pages" / page).open("a") as template:
        template.write("{# edited #}\n")
    assert list(json.loads(edited.dvc("status", "--json"))) == stages


def test_an_experiment_with_another_lr_trains_again_and_the_old_lr_trains_nothing(rerun: Project) -> None:
    before = rerun.trained()
    changes = {"lr": 1e-4, "export.formats": []}  # an export takes long
    rerun.vouch(changes)
    overrides = [word for key, value in changes.items() for word in ("-S", f"{key}={value}")]
    assert ran(rerun.dvc("exp", "run", *overrides)) == ["train", "evaluate", "export"]
    assert rerun.trained() != before
    assert "wer" in rerun.dvc("metrics", "diff")
    rerun.dvc("plots", "diff", "-o", "dvc_plots")
    assert (rerun.folder / "dvc_plots" / "index.html").exists()
    rerun.run("git", "checkout", "-q", "params.yaml")
    output = rerun.dvc("repro")
    assert ran(output) == []
    assert "Stage 'train' is cached - skipping run" in output
    assert rerun.trained() == before


def test_another_language_model_evaluates_again_and_trains_nothing(rerun: Project) -> None:
    model = rerun.folder / "data/raw/lm/lm.arpa"
    search = {
        "class_path": "stages.search.prefix_beam.PrefixBeam",
        "init_args": {"language_model": "lm.arpa"},
    }
    for order in ("1", "2"):
        rerun.run(sys.executable, "-m", "stages.commands.lm", str(model), "--order", order)
        rerun.set({"evaluate.inputs": "data/raw/lm", "evaluate.search": search})
        rerun.vouch({})
        assert ran(rerun.dvc("repro")) == ["evaluate"]


def test_metrics_and_plots_are_shown(project: Project) -> None:
    shown = json.loads(project.dvc("metrics", "show", "--json"))
    metrics = shown[""]["data"]["artifacts/evaluate/metrics.json"]["data"]
    assert {"wer", "cer", "wer_ci_low", "wer_ci_high", "wer_insertions", "blank_ratio"} <= set(metrics)
    plots = json.loads(project.dvc("plots", "show", "--json"))["data"]
    validation = {f"artifacts/train/validation/{name}.csv" for name in ("wer", "cer", "blank_ratio")}
    assert {"loss", "gradient norm", *validation} <= set(plots)
    project.run("git", "clean", "-fdq", "dvc_plots")


def wait_for_a_state(project: Project, process: "subprocess.Popen[bytes]") -> psutil.Process:
    """The training process, once it has kept a state of its own."""

    def states() -> list[int]:
        kept = (project.folder / ".scratch" / "train").glob("*/*/resume/last.ckpt")
        return [path.stat().st_mtime_ns for path in kept]

    before = states()
    while not states() or states() == before:
        assert process.poll() is None, project.log()
        time.sleep(0.02)
    return next(p for p in project.processes() if p.cmdline()[1:] == ["-m", "stages.train"])


# What is killed, how, and what dvc runs a stage's command with: Debian's sh stands between dvc and the stage,
# bash gives its place to the stage.
KILLED = [
    ("train", signal.SIGINT, "/bin/sh"),
    ("train", signal.SIGKILL, "/bin/sh"),
    ("dvc", signal.SIGKILL, "/bin/sh"),
    ("dvc", signal.SIGKILL, "/bin/bash"),
    ("flows", signal.SIGTERM, "/bin/sh"),
    ("flows", signal.SIGKILL, "/bin/sh"),
]


def test_a_killed_training_leaves_nothing_that_looks_finished_and_resumes_to_the_same_bytes(
    rerun: Project,
) -> None:
    uninterrupted = rerun.trained()
    for number, (victim, sent, shell) in enumerate(KILLED):
        rerun.environment["SHELL"] = shell
        module = "flows.dvc_command" if victim == "flows" else "dvc"
        process = rerun.start(sys.executable, "-m", module, "repro", "-f", "-s", "train")
        stage = wait_for_a_state(rerun, process)
        family = psutil.Process(process.pid).children(recursive=True)
        os.kill(stage.pid if victim == "train" else process.pid, sent)
        assert process.wait(timeout=30) != 0, (victim, sent)
        _, alive = psutil.wait_procs(family, timeout=30)
        assert [*alive, *rerun.processes()] == [], (victim, sent)
        assert not (rerun.folder / "artifacts" / "train" / "best.ckpt").exists()
        assert ("resuming in epoch" in rerun.log()) == (number > 0)
    output = rerun.dvc("repro", "-f", "-s", "train")
    assert "resuming in epoch" in output
    assert rerun.trained() == uninterrupted
    assert not list((rerun.folder / ".scratch" / "train").rglob("resume")), "the state has done its work"


METRIC = '''"""How many words are in the references."""

from stages.metrics.metric import Metric


class NumWords(Metric):
    logged = ("num_words",)

    def compute(self, references, hypotheses):
        return {"num_words": float(sum(len(text.split()) for text in references))}
'''


def test_a_new_metric_trains_nothing_and_evaluates_anew(rerun: Project) -> None:
    trained = rerun.trained()
    (rerun.folder / "stages" / "metrics" / "num_words.py").write_text(METRIC)
    metrics = [{"class_path": "stages.metrics.num_words.NumWords"}]
    rerun.set({
        "evaluate.metrics": [*rerun.params()["evaluate"]["metrics"], *metrics],
        "export.formats": [],  # an export takes long
    })  # fmt: skip
    output = rerun.dvc("repro")
    assert ran(output) == ["train", "evaluate", "export"], "DVC sees folders"
    assert "nothing that this training uses has changed" in output
    assert "epoch" not in output
    assert rerun.trained() == trained
    assert rerun.json("artifacts/evaluate/metrics.json")["num_words"] > 0
    assert "epoch" in rerun.dvc("repro", "-f", "-s", "train"), "forced with nothing changed"


def test_a_training_goes_on_when_code_that_it_does_not_use_has_changed(rerun: Project) -> None:
    uninterrupted = rerun.trained()
    process = rerun.start(sys.executable, "-m", "dvc", "repro", "-f", "-s", "train")
    os.kill(wait_for_a_state(rerun, process).pid, signal.SIGTERM)
    assert process.wait(timeout=30) != 0
    comment(rerun, "stages/search/arpa.py")
    assert "resuming in epoch" in rerun.dvc("repro", "-s", "train")
    assert rerun.trained() == uninterrupted


def test_what_was_edited_during_a_training_is_no_part_of_its_result_and_undoing_it_costs_none(
    rerun: Project,
) -> None:
    encoder, uninterrupted = "stages/models/simple_ctc.py", rerun.trained()
    shutil.rmtree(rerun.folder / ".scratch" / "train")
    process = rerun.start(sys.executable, "-m", "dvc", "repro", "-f", "-s", "train")
    wait_for_a_state(rerun, process)
    rerun.set({"lr": 0.5})
    comment(rerun, encoder)
    assert process.wait(timeout=120) != 0
    changed = f"changed while the stage ran: {rerun.folder / encoder}, params.yaml. The result belongs to"
    assert changed in rerun.log()
    rerun.run("git", "checkout", "-q", "params.yaml", encoder)
    assert "its result is restored" in rerun.dvc("repro", "-f", "-s", "train")
    assert rerun.trained() == uninterrupted
    comment(rerun, encoder)
    process = rerun.start(sys.executable, "-m", "dvc", "repro", "-s", "train")
    os.kill(wait_for_a_state(rerun, process).pid, signal.SIGTERM)
    assert process.wait(timeout=30) != 0
    assert "epoch 1/" in rerun.log()
    assert "resuming" not in rerun.log()


def comment(project: Project, name: str) -> None:
    """Edit a file in a way that changes nothing; that params.yaml is still right need not be checked."""
    path = project.folder / name
    path.write_text(path.read_text() + "# another comment\n")
    vouch_with_own_code(project.folder)
