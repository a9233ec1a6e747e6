"""Run dvc commands: python -m flows.dvc_command repro [...]

One run at a time in a working tree. No process is left behind when a run is stopped; DVC alone leaves its
stage running when it is killed.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from flows.tied import tied
from stages.program.signals import exit_on_signals

PROJECT = Path(__file__).parents[1]
LOCK = Path(".dvc/tmp/pipeline.lock")
# Outputs of the stages that flows read.
TRAIN_MANIFEST = Path("data/manifest/train.json")
HISTORY = Path("artifacts/train/history.csv")
TRAINING_PICTURE = Path("artifacts/logs/training.png")
METRICS = Path("artifacts/evaluate/metrics.json")
HYPOTHESES = Path("artifacts/evaluate/hypotheses.parquet")
REPORT = Path("artifacts/evaluate/report.html")
SCORES = Path("artifacts/logs/evaluate")  # a folder for each requested split
GRACE_SECONDS = 5.0
DVC = ("dvc", "--wait-for-lock")
BUSY = "is busy, it is being blocked by"

Line = Callable[[str], None]
Graph = dict[str, list[str]]
Changes = dict[str, list[str]]

_running: set["subprocess.Popen[str]"] = set()


class Busy(RuntimeError):
    """Another dvc command is using the same files."""


@contextlib.contextmanager
def only_run(path: Path, say: Line = print) -> Iterator[None]:
    """Hold this lock while the block runs; other runs that take it wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"another run is in progress ({path}); waiting for it to end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def run(*arguments: str, folder: Path = Path(), on_line: Line | None = None) -> int:
    """Run a dvc command in its own process group, which ends with this process; return its exit code.

    Its output goes line by line to ``on_line``, or else to the terminal.
    """
    return _run([*DVC, *arguments], folder, on_line)


def run_stage(name: str, *arguments: str, folder: Path = Path(), on_line: Line | None = None) -> int:
    """Like ``run``, for a single stage without dvc."""
    return _run([f"stages.{name}", *arguments], folder, on_line)


def _run(command: list[str], folder: Path, on_line: Line | None) -> int:
    pipes = (subprocess.PIPE, subprocess.STDOUT) if on_line else (None, None)
    process = _start(command, folder, *pipes)
    _running.add(process)
    try:
        for line in process.stdout or ():
            assert on_line
            on_line(line.rstrip())
        return process.wait()
    except BaseException:
        _end_groups(process)
        raise
    finally:
        _running.discard(process)


def end_all() -> None:
    """End every command that ``run`` waits for in other threads; ``run`` then returns as after a failure."""
    _end_groups(*_running)


def overview(folder: Path) -> tuple[Graph, Changes]:
    """Every stage (and .dvc file) in running order, with its upstream stages; and those that ``dvc status``
    reports as changed, with the reasons. The latter exclude stages downstream of a changed one.
    """
    commands = (("dag", "--dot"), ("status", "--json"))
    asked = [_start([*DVC, *command], folder, subprocess.PIPE) for command in commands]
    shown, status = (_answer(process, name) for process, (name, _) in zip(asked, commands, strict=True))
    changed = {name: _reasons(reasons) for name, reasons in json.loads(status).items()}
    return _graph(shown), changed


def answer(*arguments: str, folder: Path) -> str:
    """Return what a short dvc command prints; RuntimeError if it fails."""
    return _answer(_start([*DVC, *arguments], folder, subprocess.PIPE), arguments[0])


def share_settings(project: Path, clone: Path) -> None:
    """Give a clone the project's cache and the passwords of its remotes."""
    local = Path(".dvc/config.local")
    if (project / local).exists():
        shutil.copy(project / local, clone / local)
    cache = (project / answer("cache", "dir", folder=project).strip()).absolute()
    answer("config", "--local", "cache.dir", str(cache), folder=clone)


def _graph(dot: str) -> Graph:
    upstream: Graph = {name: [] for name in sorted(re.findall(r'^"([^"]+)";$', dot, re.MULTILINE))}
    for before, after in sorted(re.findall(r'^"([^"]+)" -> "([^"]+)";$', dot, re.MULTILINE)):
        upstream[after].append(before)
    return {name: upstream[name] for name in TopologicalSorter(upstream).static_order()}


def _reasons(status: list[Any]) -> list[str]:
    """From ``[{"changed deps": {"params.yaml": {"lr": "modified"}}}]``: lr modified."""
    found = []
    for reason in status:
        if not isinstance(reason, dict):  # "changed command"
            found.append(str(reason))
            continue
        for paths in reason.values():
            for path, how in paths.items():
                keys = how.items() if isinstance(how, dict) else [(path, how)]
                found += [f"{key} {change}" for key, change in keys]
    return found


def _start(
    command: list[str], folder: Path, stdout: int | None, stderr: int | None = None
) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.Popen(
        tied(*command),
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        stdout=stdout,
        stderr=stderr or stdout,
        text=True,
    )


def _answer(process: "subprocess.Popen[str]", name: str) -> str:
    """Return what a short command printed; RuntimeError if it failed."""
    printed, errors = process.communicate()
    if process.returncode:
        said = errors.strip() or f"dvc {name}: exit code {process.returncode}"
        raise (Busy if BUSY in errors else RuntimeError)(said)
    return printed


def _end_groups(*processes: "subprocess.Popen[str]") -> None:
    """Send SIGTERM to their process groups, and SIGKILL to those left after a shared grace period."""
    deadline = time.monotonic() + GRACE_SECONDS
    _send(signal.SIGTERM, processes)
    while left := [process for process in processes if _group_lives(process)]:
        if time.monotonic() > deadline:
            _send(signal.SIGKILL, left)
            break  # a process that a container's init never reaps keeps its group alive forever
        time.sleep(0.1)
    for process in processes:
        process.wait()


def _send(signum: int, processes: Iterable["subprocess.Popen[str]"]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signum)


def _group_lives(process: "subprocess.Popen[str]") -> bool:
    process.poll()  # reap dvc itself: a zombie keeps its group alive
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def exit_as_on_ctrl_c() -> None:
    """Let SIGTERM and a closed terminal (except under nohup) end the run as Ctrl-C does."""
    exit_on_signals(signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    if sys.argv[1:2] != ["repro"]:
        print(__doc__, file=sys.stderr)
        return 2
    exit_as_on_ctrl_c()
    try:
        with only_run(LOCK):
            return run(*sys.argv[1:])
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
