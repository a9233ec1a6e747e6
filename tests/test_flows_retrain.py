"""Scheduled retraining on a real DVC project with fast stages: recordings in a table, and a drop folder for
new ones.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from dvc_project import Project
from prefect_server import Server
from recorded_project import ROOT, make_recorded_project, record

from stages.corpora.tones import Tones

RETRAIN = [sys.executable, "-m", "flows.retrain", "--drop-folder", "drop"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Project:
    """A champion trained on very little data."""
    made = make_recorded_project(tmp_path_factory.mktemp("project").resolve())
    made.environment |= server.environment
    said = made.run(*RETRAIN)
    assert "Promoted: champion/0001 is the champion now; there was no champion" in said
    return made


def commit(project: Project, changes: dict[str, Any]) -> None:
    """Commit changed params."""
    project.set(changes)
    project.commit()


def tags(project: Project) -> list[str]:
    return project.run("git", "tag", "--list").split()


def records(project: Project) -> list[str]:
    return [path.read_text() for path in sorted((project.folder / "artifacts/logs/retrain").glob("*.md"))]


def newest_folder(project: Project) -> Path:
    """The folder of the newest record."""
    return max(path for path in (project.folder / "artifacts/logs/retrain").iterdir() if path.is_dir())


def test_without_new_data_nothing_runs(project: Project) -> None:
    said = project.run(*RETRAIN)
    assert re.search(r"NothingNew: judged on .*, Promoted: .* \(remove .* to judge it again\)", said)
    assert "Running stage" not in said
    assert tags(project) == ["champion/0001"]


def test_dropped_data_that_is_unlike_the_old_is_refused_before_it_is_trained_on(project: Project) -> None:
    odd = Tones(num_train=64, num_validation=1, num_test=1, tone_seconds=0.8, gap_seconds=0.5)
    record(project.folder / "drop", "odd", odd)
    said = project.run(*RETRAIN)
    assert re.search(r"Refused: duration of the 64 new utterances differs too much from the old ones'", said)
    assert "Running stage 'train'" not in said
    assert tags(project) == ["champion/0001"]
    assert "# Refused" in records(project)[-1]
    for path in (project.folder / "drop").iterdir():
        path.unlink()


def test_more_data_makes_a_better_model_which_is_promoted_and_can_be_rolled_back(
    project: Project, server: Server
) -> None:
    (project.folder / "README.md").write_text("an edit that nobody committed")
    record(project.folder / "drop", "new", Tones(num_train=256, num_validation=1, num_test=1), seed=1)
    before = project.run("git", "status", "--porcelain")
    said = project.run(*RETRAIN, "--margin", "0.01", "--max-new-characters", "0.05")
    assert "Promoted: champion/0002 is the champion now; wer " in said
    assert project.run("git", "status", "--porcelain") == before
    first, second = (
        json.loads(project.run("git", "show", f"champion/000{n}:artifacts/evaluate/metrics.json"))["wer"]
        for n in (1, 2)
    )
    assert second < first - 0.01
    assert any("compared with champion/0001" in artifact["data"] for artifact in server.artifacts() if
               artifact["key"] == "verdict")  # fmt: skip
    promoted = records(project)[-1]
    assert "probability that the candidate is better by more than 0.01" in promoted
    assert re.search(rf"\| champion \| champion/0001 \| {first:.4f} \|", promoted)
    assert re.search(r"\| candidate \| champion/0002 \| \d", promoted)
    assert re.search(r"\| new data \| 256 utterances, 0\.\d\d h \|", promoted)
    assert re.search(rf"\| wer \| {second:.4f} \| {first:.4f} \|", promoted)  # and the champion before
    assert "| manifest | Ran | " in promoted
    assert "| started by | a terminal, " in promoted
    assert project.run("git", "rev-parse", "champion/0002^{}").strip() in promoted
    own = newest_folder(project)
    assert {"drift.png", "record.json", "rejected.json", "report.html", "transcripts.csv"} == {
        path.name for path in own.iterdir()
    }
    runs = {run["name"].partition(",")[0]: run["tags"] for run in server.ask("flow_runs/filter")}
    assert runs["promoted champion/0002"] == ["champion/0002", "promoted"]
    keys = {artifact["key"] for artifact in server.artifacts()}
    assert {"champions", "drift", "changed-transcripts", "corpus-report"} <= keys
    assert "new.csv" in project.dvc("list", ".", str(ROOT), "--rev", "champion/0002")
    said = project.run(*RETRAIN[:3], "--rollback")
    assert "the champion is champion/0003 now, the model of champion/0001 again" in said
    assert tags(project) == ["champion/0001", "champion/0002", "champion/0003"]
    assert "# RolledBack" in records(project)[-1]
    said = project.run(*RETRAIN, "--margin", "0.01", "--max-new-characters", "0.05")
    assert "NothingNew: " in said
    assert "champion/0002 was rolled back to champion/0001" in said
    assert "the champion is champion/0003 (the model of champion/0001 again)" in said
    assert "champion/0003 = champion/0001" in project.run(sys.executable, "-m", "flows.champions")


def test_corrupt_data_are_refused_once_with_their_report_and_what_was_not_reached_ends(
    project: Project, server: Server
) -> None:
    rows = "\n".join(f"absent-{n}.flac,a,absent-{n},nobody,train,0,1" for n in range(99))
    table = project.folder / "drop" / "absent.csv"
    table.write_text(f"audio_filepath,text,id,speaker,split,offset,duration\n{rows}\n")
    done = project.attempt(*RETRAIN)
    table.unlink()
    assert done.returncode == 1
    assert done.stdout.count("Running stage 'manifest'") == 1
    own = newest_folder(project).relative_to(project.folder)
    said = records(project)[-1]
    assert re.search(r"Failed, .*\n\n- manifest: 99 of \d+ utterances were rejected", said)
    assert f"The report on this corpus: {own / 'report.html'}" in said
    assert f"All of them: {own / 'rejected.json'}" in said
    assert "absent-0" in (project.folder / own / "report.html").read_text()
    assert "absent-98" in (project.folder / own / "rejected.json").read_text()
    run = server.ask("flow_runs/filter", sort="START_TIME_DESC", limit=1)[0]
    tasks = server.ask("task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    assert sorted(task["name"] for task in tasks if task["name"] == "manifest") == ["manifest"]
    ended = {task["name"]: task["state"] for task in tasks}
    for name in ("features", "train", "evaluate", "export"):
        assert (ended[name]["name"], ended[name]["type"]) == ("NotReached", "CANCELLED")
    assert "manifest failed" in ended["train"]["message"]
    assert "failed" in run["tags"]


def test_a_worse_candidate_is_refused_and_one_that_fails_leaves_the_champion(project: Project) -> None:
    commit(project, {"lr": 1e-9})
    assert re.search(r"Refused: wer .*, less than 0\.95; .*champion/0003 stays", project.run(*RETRAIN))
    commit(project, {"lr": 1e9})
    done = project.attempt(*RETRAIN)
    assert done.returncode == 1
    assert "Failed: " in done.stdout
    assert "loss became" in records(project)[-1]
    assert tags(project)[-1] == "champion/0003"


def test_where_a_test_transcript_was_corrected_the_champion_is_scored_again(project: Project) -> None:
    commit(project, {"lr": 1e-2})
    path = project.folder / ROOT / "old.csv"
    rows = path.read_text().splitlines()
    line = next(number for number, row in enumerate(rows) if ",test," in row)
    name, text, *others = rows[line].split(",")
    path.write_text("\n".join([*rows[:line], ",".join([name, text[1:], *others]), *rows[line + 1 :]]) + "\n")
    said = project.run(*RETRAIN, "--margin", "1")
    assert "the test set has changed: scoring champion/0003 on it, too" in said
    assert re.search(r"Refused: wer 0\.\d+ -> 0\.\d+: better by more than 1 with probability 0", said)


def test_a_killed_retraining_goes_on_and_one_whose_clone_is_deleted_fails(project: Project) -> None:
    commit(project, {"lr": 1e-3, "train.trainer.max_epochs": 300})
    clone = project.folder / ".scratch" / "retrain" / "clone"
    killed = start_training(project)
    killed.kill()
    killed.wait()
    orphaned = start_training(project)
    assert "resuming in epoch" in project.log()
    shutil.rmtree(clone, ignore_errors=True)
    assert orphaned.wait(timeout=60) == 1
    assert "# Failed" in records(project)[-1]
    assert tags(project)[-1] == "champion/0003"


def start_training(project: Project) -> "subprocess.Popen[bytes]":
    """A retraining that has started an epoch."""
    process = project.start(*RETRAIN)
    while not re.search(r"epoch \d+/300 ", project.log()):
        assert process.poll() is None, project.log()
        time.sleep(0.1)
    return process
