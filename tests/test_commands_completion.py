"""The TAB key in real shells, on a terminal."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 120
# Instead of the command, a function shows the arguments that it is called with.
BASH = """
eval "$(cat completion)"
earshot() { printf '<%s>' "$@"; echo; }
PS1='ready> '
"""
SHELLS = {
    "bash": ("bash --noprofile --rcfile start -i", "start", BASH),
    "zsh": ("zsh -i", ".zshrc", "autoload -Uz compinit && compinit -u\n" + BASH),
}


class Terminal:
    """A shell on a terminal."""

    def __init__(self, command: str, folder: Path) -> None:
        self.side, other = pty.openpty()
        environment = {
            "PATH": os.environ["PATH"],
            "TERM": "dumb",
            "HOME": str(folder),
            "ZDOTDIR": str(folder),
        }
        self.process = subprocess.Popen(
            command.split(), cwd=folder, env=environment, stdin=other, stdout=other, stderr=other,
            start_new_session=True,
        )  # fmt: skip
        os.close(other)
        self.printed = ""

    def until(self, pattern: str) -> str:
        """Read the output up to a match of the pattern; return the match's first group."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(pattern, self.printed)):
            if not select.select([self.side], [], [], max(deadline - time.monotonic(), 0))[0]:
                pytest.fail(f"no {pattern} in what the shell printed: {self.printed!r}")
            self.printed += os.read(self.side, 4096).decode(errors="replace")
        self.printed = self.printed[found.end() :]
        return found[1]

    def called(self, typed: str) -> list[str]:
        """The arguments of the command after typing this, TAB, and Enter."""
        self.until("(ready> )")
        os.write(self.side, f"{typed}\t\n".encode())
        return self.until("\n(<.*>)\r\n")[1:-1].split("><")


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """In a folder with files to complete."""
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param} here")
    command, file, start = SHELLS[request.param]
    (tmp_path / file).write_text(start)
    with (tmp_path / "completion").open("w") as stream:
        command_line = [sys.executable, "-m", "stages.commands", "--print-completion", request.param]
        subprocess.run(command_line, cwd=ROOT, check=True, stdout=stream)
    for name in ("first.wav", "second.wav", "params.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "model").mkdir()
    opened = Terminal(command, tmp_path)
    yield opened
    opened.process.kill()
    opened.process.wait()
    os.close(opened.side)


def test_commands_options_values_and_files_are_completed(terminal: Terminal) -> None:
    assert terminal.called("earshot tr") == ["transcribe"]
    assert terminal.called("earshot check --a") == ["check", "--anew"]
    assert terminal.called("earshot check par") == ["check", "params.yaml"]
    assert terminal.called("earshot run v") == ["run", "val"]
    assert terminal.called("earshot run val par") == ["run", "val", "params.yaml"]
    assert terminal.called("earshot transcribe first.wav sec") == ["transcribe", "first.wav", "second.wav"]
    bundle = terminal.called("earshot transcribe --bundle mod")
    assert [argument.rstrip("/") for argument in bundle] == ["transcribe", "--bundle", "model"]
    assert terminal.called("earshot compare first.wav --mar") == ["compare", "first.wav", "--margin"]
