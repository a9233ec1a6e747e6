"""Processes that never outlive the one that started them. Light, as a stage begins with it."""

import ctypes
import os
import select
import signal
import sys
import threading
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None) -> None:
    """Ask the kernel to kill this process when its parent dies (Linux; elsewhere nothing happens).

    ``parent`` is the parent's process id, from a time when it certainly lived.
    """
    if sys.platform != "linux":
        return
    parent = parent or os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before the request
        os._exit(1)


def serve_parent(parent: int | None = None) -> None:
    """In a worker process: it never outlives its parent, and leaves signals to it."""
    die_with_parent(parent)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_IGN)


def die_with_dvc() -> None:
    """Die when the dvc that runs this stage does, though a shell may stand between the two, and do not start
    when it is gone already (Linux; elsewhere, and without dvc, nothing happens).

    Some shells (bash) put the stage in their own place, others (dash) wait for it and, as they are not
    its kind of parent, survive dvc.
    """
    if sys.platform != "linux" or "DVC_STAGE" not in os.environ:
        return
    try:
        try:
            life, gone = _life_of_dvc()
        except (FileNotFoundError, ProcessLookupError):  # one of them ended meanwhile: others are above now
            life, gone = _life_of_dvc()
    except OSError:  # a kernel before 5.3, or a parent that this container does not see
        return
    if gone:
        print(f"{os.environ['DVC_STAGE']}: the dvc that started this stage is gone", file=sys.stderr)
        os._exit(1)

    def wait() -> None:
        select.select([life], [], [])
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def _life_of_dvc() -> tuple[int, bool]:
    """A descriptor that is readable when dvc has ended, and whether it is gone already."""
    dvc = _first_without_stage()
    return os.pidfd_open(dvc), _has_adopted(dvc)


def _first_without_stage() -> int:
    """The first process above that does not have this stage's environment: dvc, or who adopts its orphans."""
    own = _stage_of("self")
    parent = os.getppid()
    while _stage_of(str(parent)) == own:
        parent = int(Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[1])
    return parent


def _stage_of(process: str) -> set[bytes]:
    """Which stage of which project dvc started a process for; of others' processes nothing is known."""
    try:
        variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except PermissionError:
        return set()
    return {variable for variable in variables if variable.startswith((b"DVC_STAGE=", b"DVC_ROOT="))}


def _has_adopted(process: int) -> bool:
    """Whether a process above is not dvc but the one that gets orphans: it has another session, or is a
    container's first process and neither dvc nor a program that may use it.
    """
    command = Path(f"/proc/{process}/cmdline").read_bytes()
    is_init = process == 1 and not any(name in command for name in (b"dvc", b"python"))
    return is_init or os.getsid(process) != os.getsid(0)
