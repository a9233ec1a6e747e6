"""The dvc commands that everything here drives the pipeline with: python -m flows.dvc repro [...]

One run at a time in a working tree, and no process left behind when it is stopped: DVC by itself
leaves the stage that it started running when it is killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from stages.program.processes import die_with_parent

LOCK = Path(".dvc/tmp/pipeline.lock")
GRACE_SECONDS = 5.0


def repro(*arguments: str) -> int:
    """``dvc repro`` with these arguments, after any other run in this working tree; its exit code."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"another run is under way in this folder ({LOCK}); waiting for its end", flush=True)
        lock.acquire()
    with lock:
        return _run("repro", *arguments)


def _run(*arguments: str) -> int:
    """Run dvc in a process group of its own, which ends with this process whatever stops it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments]
    _exit_on_signals()
    process = subprocess.Popen(
        command, env={**os.environ, "PATH": path}, start_new_session=True, preexec_fn=die_with_parent
    )
    try:
        return process.wait()
    except BaseException:
        _end_group(process)
        raise


def _exit_on_signals() -> None:
    """SIGTERM and a closed terminal (unless nohup keeps it from mattering) end the run as Ctrl-C does."""

    def leave(signum: int, frame: FrameType | None) -> None:
        sys.exit(128 + signum)

    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, leave)


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to the whole group, SIGKILL to what is left of it after the grace period."""
    deadline = time.monotonic() + GRACE_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        while _group_lives(process):
            if time.monotonic() > deadline:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.1)


def _group_lives(process: "subprocess.Popen[bytes]") -> bool:
    process.poll()  # reap dvc itself: a zombie keeps its group alive
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> int:
    if sys.argv[1:2] != ["repro"]:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return repro(*sys.argv[2:])
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
