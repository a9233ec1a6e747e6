"""./run.sh: the environments and commands that it uses."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from params_document import check_here, vouch
from ruamel.yaml import YAML
from test_flows_params_file import lock

from flows import dvc_command, params_file
from flows import run as flows_run
from stages.preflight.reading import read_params

ROOT = Path(__file__).parents[1]
NO_DOCKER = "exit 1"
NO_DAEMON = '[ "$1" = compose ]'
DOCKER = 'echo "$@ user=$EARSHOT_USER runtime=$EARSHOT_RUNTIME" >>"$CALLS"; [ "$2" != run ] || exit 3'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with run.sh, a recipe, and stubs for make and Python that log their calls."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "flows" / "recipes", project / "flows" / "recipes")
    shutil.copy(ROOT / "run.sh", project)
    shutil.copy(project / "flows/recipes/simple_ctc.yaml", project / "params.yaml")
    stub(project / ".venv/bin/python", 'echo "python $@" >>"$CALLS"; exit 7')
    stub(project / "bin/make", 'echo "make $@" >>"$CALLS"')
    return project


def stub(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run_sh(folder: Path, docker: str, *arguments: str, cwd: Path | None = None) -> tuple[int, str, list[str]]:
    """Exit code, output and logged calls."""
    stub(folder / "bin/docker", docker)
    calls = folder / "calls"
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "CALLS": str(calls)}
    done = subprocess.run(
        [folder / "run.sh", *arguments], cwd=cwd or folder, env=environment, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout, calls.read_text().splitlines() if calls.exists() else []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs a mode and a params file"),
        (["train"], "needs a mode and a params file"),
        (["train", "params.yaml", "more"], "needs a mode and a params file"),
        (["validate", "params.yaml"], "unknown mode 'validate'"),
        (["train", "nowhere.yaml"], "nowhere.yaml: no such file"),
    ],
)
def test_wrong_arguments_get_the_usage_and_exit_code_1(folder: Path, arguments: list[str], said: str) -> None:
    code, printed, calls = run_sh(folder, DOCKER, *arguments)
    assert code == 1
    assert printed == f"run.sh: {said}\nusage: ./run.sh train|val|test PARAMS.yaml\n"
    assert calls == []


@pytest.mark.parametrize("docker", [NO_DOCKER, NO_DAEMON], ids=["no compose", "no daemon"])
def test_without_docker_it_runs_in_the_virtual_environment(folder: Path, docker: str) -> None:
    code, printed, calls = run_sh(folder, docker, "val", "project/params.yaml", cwd=folder.parent)
    assert code == 7
    assert "val in .venv" in printed
    assert calls == [
        "make --silent .venv/installed",
        f"python -m flows.run val {folder / 'params.yaml'}",
    ]


def test_with_docker_it_runs_in_the_container_as_the_user(folder: Path) -> None:
    code, printed, calls = run_sh(folder, DOCKER, "train", "flows/recipes/an4.yaml")
    assert code == 3
    assert "train in Docker, in the container phoneme_recognition" in printed
    assert calls[-1] == (
        "compose run --build --rm --name phoneme_recognition -T phoneme_recognition"
        f" python -m flows.run train flows/recipes/an4.yaml user={os.getuid()}:{os.getgid()} runtime="
    )


def test_with_nvidias_runtime_the_container_gets_it(folder: Path) -> None:
    docker = f'[ "$2" = --format ] && echo \'{{"nvidia":{{}},"runc":{{}}}}\'\n{DOCKER}'
    assert run_sh(folder, docker, "train", "params.yaml")[2][-1].endswith("runtime=nvidia")


def test_a_file_that_the_container_does_not_see_is_refused(folder: Path) -> None:
    (folder.parent / "other.yaml").write_text("")
    code, printed, calls = run_sh(folder, DOCKER, "train", "../other.yaml")
    assert code == 1
    assert "../other.yaml: is outside" in printed
    assert not any("compose run" in call for call in calls)


def test_train_makes_the_file_params_and_runs_the_pipeline(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edits made while dvc runs are kept."""
    (folder / "stages").symlink_to(ROOT / "stages")
    asked: list[tuple[tuple[str, ...], float]] = []
    path, before = folder / "params.yaml", (folder / "params.yaml").read_text()

    def run(*arguments: str, **_: Any) -> int:
        asked.append((arguments, read_params(path).lr))
        path.write_text(path.read_text() + "# edited meanwhile")
        return 5

    monkeypatch.setattr(dvc_command, "PROJECT", folder)
    monkeypatch.setattr(dvc_command, "run", run)
    vouch(folder, {}, Path("flows/recipes/spoken_numbers.yaml"))
    assert flows_run.run("train", folder / "flows/recipes/spoken_numbers.yaml") == 5
    assert asked == [(("repro",), 2e-3)]
    assert path.read_text().endswith("# edited meanwhile")
    assert [path.read_text() for path in (folder / ".scratch/params").glob("*.yaml")] == [before]


@pytest.mark.parametrize(("mode", "split"), [("val", "validation"), ("test", "test")])
def test_val_and_test_score_what_was_trained_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mode: str, split: str
) -> None:
    (folder / "stages").symlink_to(ROOT / "stages")
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(dvc_command, "PROJECT", folder)
    monkeypatch.setattr(dvc_command, "run_stage", lambda *given, **_: asked.append(given) or 5)
    before = (folder / "params.yaml").read_text()
    lock(folder, "simple_ctc")
    for recipe in ("simple_ctc", "spoken_numbers"):
        vouch(folder, {}, Path(f"flows/recipes/{recipe}.yaml"))
    assert flows_run.run(mode, folder / "flows/recipes/simple_ctc.yaml") == 5
    assert asked == [("evaluate", "--params", ".scratch/params/scored.yaml", "--split", split)]
    other = folder / "flows/recipes/spoken_numbers.yaml"
    with pytest.raises(
        ValueError, match=f"{other}: the model here was trained with other .* run train {other}"
    ):
        flows_run.run(mode, other)
    assert len(asked) == 1
    assert (folder / "params.yaml").read_text() == before


def test_without_dvc_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flows_run, "find_spec", {}.get)
    assert flows_run.main(["train", "params.yaml"]) == 1
    expected = "run: needs the package dvc: pip install -c constraints.txt -e '.[pipeline]'\n"
    assert capsys.readouterr().err == expected


def test_a_wrong_file_is_refused_and_params_stay_what_they_were(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "stages").symlink_to(ROOT / "stages")
    before = (folder / "params.yaml").read_text()
    (folder / "wrong.yaml").write_text(before.replace("lr: 1.0e-2", "lr: abc"))
    monkeypatch.setattr(dvc_command, "PROJECT", folder)
    monkeypatch.setattr(params_file, "check", lambda _, path: check_here(path))
    assert flows_run.main(["train", str(folder / "wrong.yaml")]) == 1
    assert "lr: Input should be a valid number" in capsys.readouterr().err
    assert (folder / "params.yaml").read_text() == before


@pytest.mark.parametrize(
    "command", [["bash", "-n", "run.sh"], ["shellcheck", "run.sh"], ["hadolint", "Dockerfile"]]
)
def test_run_sh_and_dockerfile_have_no_lint(command: list[str]) -> None:
    tool = shutil.which(command[0], path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not tool:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_image_installs_extras_that_exist_at_the_pinned_versions() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    assert re.findall(r"^(FROM|RUN|WORKDIR|COPY|ENV|CMD)\b", text, re.MULTILINE)[0] == "FROM"
    assert "FROM python:3.11-slim\n" in text
    (extras,) = re.findall(r'pip install .*--constraint constraints\.txt "\.\[(.*)\]"', text)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    (copied,) = re.findall(r"^COPY (.*) \./$", text, re.MULTILINE)
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    assert set(copied.split()) == sent, "the build sees only what .dockerignore lets through"


def test_the_compose_file_has_one_service_with_the_project_and_the_user() -> None:
    document = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())
    assert list(document) == ["services"]
    ((name, service),) = document["services"].items()
    assert name == service["container_name"] == "phoneme_recognition"
    known = {
        "container_name", "image", "build", "user", "runtime", "environment", "init", "shm_size",
        "working_dir", "volumes", "command",
    }  # fmt: skip
    assert set(service) <= known
    assert service["volumes"] == [f".:{service['working_dir']}"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"WORKDIR {service['working_dir']}\n" in dockerfile
    assert f" PYTHONPATH={service['working_dir']}\n" in dockerfile  # where the command finds the project
    assert re.fullmatch(r"\$\{EARSHOT_USER:-\d+:\d+\}", service["user"])
    assert re.fullmatch(r"\d+[mg]b", service["shm_size"])
    assert all(value is None or isinstance(value, str) for value in service["environment"].values())
