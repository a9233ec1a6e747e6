"""A real DVC project for tests: a copy of this one with the smoke recipe, in a folder of its own."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
from params_document import set_values, vouch
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
LIGHT_STAGES = Path(__file__).parent / "light_stages"
LEFT_OUT = shutil.ignore_patterns("*.md", "__pycache__")
TRAINED = ["best.ckpt", "last.ckpt", "history.csv", "tokens.json", "params.yaml"]


class Project:
    """A DVC project in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        own = {"PATH": path, "OMP_NUM_THREADS": "1", "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": ""}
        self.environment = {**os.environ, **own}  # dozens of processes run the same code

    def attempt(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command, whatever comes of it; ``stdout`` holds all that it printed."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *command: str) -> str:
        done = self.attempt(*command)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def dvc(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments)

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a command; ``log`` is what it has printed."""
        (self.folder / ".scratch").mkdir(exist_ok=True)
        log = (self.folder / ".scratch" / "log.txt").open("wb")
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip

    def log(self) -> str:
        return (self.folder / ".scratch" / "log.txt").read_text()

    def set(self, changes: dict[str, Any]) -> None:
        yaml = YAML()
        path = self.folder / "params.yaml"
        document = yaml.load(path.read_text())
        set_values(document, changes)
        with path.open("w") as stream:
            yaml.dump(document, stream)

    def vouch(self, changes: dict[str, Any]) -> None:
        vouch(self.folder, changes)

    def params(self) -> Any:
        return YAML().load((self.folder / "params.yaml").read_text())

    def json(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())

    def trained(self) -> dict[str, str]:
        """Hashes of what training left, by name."""
        folder = self.folder / "artifacts" / "train"
        return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in TRAINED}

    def processes(self) -> list[psutil.Process]:
        """Processes that run in this project."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.cwd() == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def restore(self) -> None:
        """What is committed, with its outputs."""
        self.run("git", "checkout", "-q", ".")
        self.dvc("checkout", "-q")

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", "state")


def copy_checkout(folder: Path) -> None:
    """The files that git knows of, or would."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in names:
        if name and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def make_project(folder: Path, max_epochs: int, light: bool = False) -> Project:
    """The checkout's files with the smoke recipe, committed; nothing has run.

    Those that take long of a ``light`` one's stages are stand-ins: see light_stages/README.md.
    """
    copy_checkout(folder)
    made = Project(folder)
    if light:
        shutil.copytree(LIGHT_STAGES, folder / "stages", ignore=LEFT_OUT, dirs_exist_ok=True)
    shutil.copy(ROOT / "flows" / "recipes" / "simple_ctc.yaml", folder / "params.yaml")
    (folder / "dvc.lock").unlink(missing_ok=True)
    made.set({"train.trainer.max_epochs": max_epochs})
    made.run("git", "init", "-q")
    made.run("git", "config", "user.email", "test@example.org")
    made.run("git", "config", "user.name", "test")
    made.commit()
    return made
