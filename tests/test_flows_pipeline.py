"""The pipeline flow against a real Prefect server, on a real DVC project with fast stages."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from dvc_project import Project, make_project
from prefect_server import Server
from waiting import wait_for

STAGES = ["manifest", "features", "train", "evaluate", "export"]
FLOW = [sys.executable, "-m", "flows.pipeline"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Project:
    """A project whose pipeline the flow has run once."""
    made = make_project(tmp_path_factory.mktemp("project").resolve(), max_epochs=4, light=True)
    made.environment |= server.environment
    printed = made.run(*FLOW)
    assert states(printed) == dict.fromkeys(STAGES, "Ran"), printed
    made.commit()
    return made


@pytest.fixture
def edited(project: Project) -> Iterator[Project]:
    yield project
    project.restore()
    shutil.rmtree(project.folder / ".scratch" / "train", ignore_errors=True)


def states(printed: str) -> dict[str, str]:
    """The state of every stage in the summary at the end of a run."""
    lines = re.findall(r"Flow run '.*?' - (\S+)  +([A-Z]\w+)  ", printed)
    return {name: state for name, state in lines if name in STAGES}


def is_training(project: Project) -> bool:
    return any((project.folder / ".scratch" / "train").glob("*/*/resume/last.ckpt"))


def test_an_unchanged_pipeline_starts_no_stage_and_shows_its_metrics(project: Project) -> None:
    printed = project.run(*FLOW)
    assert states(printed) == dict.fromkeys(STAGES, "Unchanged")
    assert "Running stage" not in printed
    assert re.search(r" - wer +0\.\d+", printed)


def test_where_nothing_changed_no_server_need_start(project: Project, tmp_path: Path) -> None:
    alone = Project(project.folder)
    alone.environment |= {"PREFECT_HOME": str(tmp_path)}
    printed = alone.run(*FLOW)
    assert re.findall(r"^(\w+) +Unchanged ", printed, re.MULTILINE) == STAGES
    assert re.search(r"^wer +0\.\d+", printed, re.MULTILINE)
    assert not (project.folder / ".scratch/prefect").exists()


def test_the_run_page_shows_what_people_look_at(project: Project, server: Server) -> None:
    artifacts = {artifact["key"]: artifact for artifact in server.artifacts()}
    assert {"metrics", "loss", "transcripts", "params", "training-progress"} <= set(artifacts)
    metrics = {row["metric"]: row["this run"] for row in json.loads(artifacts["metrics"]["data"])}
    stored = json.loads((project.folder / "artifacts" / "evaluate" / "metrics.json").read_text())
    assert metrics["wer"] == round(stored["wer"], 4)
    assert "](data:image/png;base64," in artifacts["loss"]["data"]
    assert artifacts["training-progress"]["data"] == 100
    assert project.run("git", "rev-parse", "HEAD").strip() in artifacts["params"]["data"]


def test_the_tasks_have_the_edges_of_the_pipeline(project: Project, server: Server) -> None:
    upstream = server.edges()
    assert upstream["evaluate"] == {"features", "train"}
    assert upstream["export"] == {"train"}


def test_an_override_runs_what_it_touches_and_old_params_come_from_the_cache(edited: Project) -> None:
    expected = {**dict.fromkeys(STAGES, "Ran"), "manifest": "Unchanged", "features": "Unchanged"}
    printed = edited.run(*FLOW, "-S", "lr=2e-3", "--experiment", "slower")
    assert states(printed) == expected
    assert "lr modified" in printed
    assert "slower" in edited.dvc("exp", "list", "--name-only")
    edited.run("git", "checkout", "-q", "params.yaml")
    cached = {name: "Cached" if state == "Ran" else state for name, state in expected.items()}
    assert states(edited.run(*FLOW)) == cached


def test_validation_changes_nothing_that_is_tracked(edited: Project) -> None:
    before = edited.trained()
    printed = edited.run(*FLOW, "--mode", "val")
    assert states(printed) == {"evaluate": "Ran"}
    assert "on the validation split" in printed
    assert edited.trained() == before
    assert edited.json("artifacts/logs/evaluate/validation/metrics.json")["num_utterances"] > 0
    assert edited.run("git", "status", "--porcelain") == ""
    assert states(edited.run(*FLOW))["evaluate"] == "Unchanged"


def test_validation_refuses_what_was_not_trained(edited: Project) -> None:
    done = edited.attempt(*FLOW, "--mode", "val", "-S", "lr=3e-4")
    assert done.returncode == 1
    assert "trained with other values (lr was 0.01, but is 0.0003 in this file)" in done.stdout
    assert edited.params()["lr"] == 0.01


REFUSED = [
    (["-S", "lr=abc"], "lr: Input should be a valid number"),
    (["--recipe", "nothing"], "no such recipe; there are"),
    (["--recipe", "an4", "nothing"], "no stage nothing; there are manifest"),
    (["--mode", "val", "train"], "mode val only runs evaluate"),
    (["--experiment", "my exp"], "'my exp' is not a valid experiment name"),
]
# All runs in one process, as importing Prefect takes seconds.
ONE_BY_ONE = """
import json, sys
from flows import pipeline
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["flows.pipeline", *arguments]
    try:
        pipeline.main()
    except SystemExit as ended:
        print("ended with", ended.code, flush=True)
"""


def test_what_cannot_run_is_said_before_anything_runs(project: Project) -> None:
    arguments = json.dumps([arguments for arguments, _ in REFUSED])
    printed = project.run(sys.executable, "-c", ONE_BY_ONE, arguments)
    *runs, after = printed.split("ended with 1\n")
    assert after == ""
    for (_, said), run in zip(REFUSED, runs, strict=True):
        assert said in run
    assert "Traceback" not in printed
    assert project.run("git", "status", "--porcelain") == ""


def test_a_stage_that_fails_fails_the_run_and_what_needs_it_does_not_start(edited: Project) -> None:
    done = edited.attempt(*FLOW, "-S", "lr=1e9", "evaluate")
    assert done.returncode == 1
    expected = {"manifest": "Unchanged", "features": "Unchanged", "train": "Failed", "evaluate": "NotReached"}
    assert states(done.stdout) == expected
    assert "loss became" in done.stdout.splitlines()[-1]
    assert " - wer " not in done.stdout  # from another model


def test_two_runs_at_the_same_time_train_once(edited: Project) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: edited.attempt(*FLOW, "-S", "lr=3e-3", "train"), range(2)))
    printed = [done.stdout for done in both]
    assert [done.returncode for done in both] == [0, 0], printed
    assert sorted(states(text)["train"] for text in printed) == ["Ran", "Unchanged"]


def start_training(project: Project, lr: float, max_epochs: int) -> "subprocess.Popen[bytes]":
    """A run of the flow whose training has stored a state."""
    overrides = ["-S", f"lr={lr}", "-S", f"train.trainer.max_epochs={max_epochs}"]
    process = project.start(*FLOW, *overrides, "train")
    wait_for(lambda: is_training(project) or process.poll() is not None)
    return process


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_leaves_no_process_and_no_lock(edited: Project, sent: signal.Signals) -> None:
    process = start_training(edited, lr=4e-3, max_epochs=300)
    family = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, sent)
    started = time.monotonic()
    assert process.wait(timeout=30) != 0
    psutil.wait_procs(family, timeout=10)
    assert edited.processes() == []
    assert time.monotonic() - started < 10
    if sent != signal.SIGKILL:
        assert edited.run("git", "status", "--porcelain") == " M params.yaml\n", "the tracked curves stay"
    edited.run("git", "checkout", "-q", ".")
    again = edited.run(sys.executable, "-m", "flows.dvc_command", "repro", "-s", "manifest")
    assert "Stage 'manifest' didn't change, skipping" in again


def test_a_plain_dvc_beside_a_run_is_told_so_and_a_training_that_is_killed_from_outside_goes_on(
    edited: Project,
) -> None:
    process = start_training(edited, lr=5e-3, max_epochs=150)
    plain = edited.attempt(sys.executable, "-m", "dvc", "repro", "-s", "train")
    assert plain.returncode != 0
    assert "is busy, it is being blocked by" in plain.stdout
    training = next(p for p in edited.processes() if p.cmdline()[1:] == ["-m", "stages.train"])
    training.kill()
    assert process.wait(timeout=300) == 0
    assert "resuming in epoch" in edited.log()


def test_a_stage_that_takes_too_long_is_ended(edited: Project) -> None:
    overrides = ["-S", "lr=6e-3", "-S", "train.trainer.max_epochs=3000"]
    done = edited.attempt(*FLOW, *overrides, "--stage-timeout-seconds", "5", "train")
    assert done.returncode == 1
    assert states(done.stdout)["train"] == "TimedOut"
    assert edited.processes() == []
    assert "epoch 3000/3000" not in done.stdout
