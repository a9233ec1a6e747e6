"""What many tests begin with and none changes, made once in a session: its test processes share it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

_session = Path()  # the folder of the session, as conftest tells it


def share(factory: pytest.TempPathFactory) -> None:
    """From now on ``built_once`` builds in the folder that all workers of this session have in common."""
    global _session
    base = factory.getbasetemp()
    _session = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "built"
    _session.mkdir(exist_ok=True)


def built_once(name: str, build: Callable[[Path], None]) -> Path:
    """A folder that ``build`` fills when the first test of the session asks for it. Take a copy of it."""
    assert _session.is_absolute(), "no session has begun"
    folder, done = _session / name, _session / f"{name}.done"
    with FileLock(f"{folder}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a build that failed
            folder.mkdir()
            build(folder)
            done.touch()
    return folder
