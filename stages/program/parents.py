"""Processes that never outlive their parent. Fast to import, as every stage imports it first."""

import ctypes
import os
import select
import signal
import sys
import threading
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when its parent dies (no effect outside Linux).

    ``parent`` is the parent's process id, read while it was certainly alive.
    """
    if sys.platform != "linux":
        return
    parent = parent or os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before the request
        os._exit(1)


def serve_parent(parent: int | None = None) -> None:
    """Make a worker process die with its parent and leave signals to it."""
    die_with_parent(parent)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_IGN)


def die_with_dvc() -> None:
    """Die when the dvc that runs this stage ends, even with a shell between the two, and do not start if it
    has ended already (no effect outside Linux or without dvc).

    Some shells (bash) replace themselves with the stage; others (dash) wait for it and survive dvc.
    """
    if sys.platform != "linux" or "DVC_STAGE" not in os.environ:
        return
    try:
        try:
            life, gone = _life_of_dvc()
        except (FileNotFoundError, ProcessLookupError):  # a parent ended meanwhile: read them again
            life, gone = _life_of_dvc()
    except OSError:  # a kernel before 5.3, or a parent outside this container
        return
    if gone:
        print(f"{os.environ['DVC_STAGE']}: the dvc that started this stage has ended", file=sys.stderr)
        os._exit(1)

    def wait() -> None:
        select.select([life], [], [])
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def _life_of_dvc() -> tuple[int, bool]:
    """A descriptor that becomes readable when dvc ends, and whether it has ended already."""
    dvc = _first_without_stage()
    return os.pidfd_open(dvc), _has_adopted(dvc)


def _first_without_stage() -> int:
    """The first ancestor without this stage's environment: dvc, or the process that adopts its orphans."""
    own = _stage_of("self")
    parent = os.getppid()
    while _stage_of(str(parent)) == own:
        parent = int(Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[1])
    return parent


def _stage_of(process: str) -> set[bytes]:
    """The stage and project that dvc started a process for; empty for other users' processes."""
    try:
        variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except PermissionError:
        return set()
    return {variable for variable in variables if variable.startswith((b"DVC_STAGE=", b"DVC_ROOT="))}


def _has_adopted(process: int) -> bool:
    """Whether an ancestor is not dvc but the process that adopts orphans: one of another session, or a
    container's first process that is neither dvc nor Python.
    """
    command = Path(f"/proc/{process}/cmdline").read_bytes()
    is_init = process == 1 and not any(name in command for name in (b"dvc", b"python"))
    return is_init or os.getsid(process) != os.getsid(0)
