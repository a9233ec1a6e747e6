"""Where stages write: outputs appear complete or not at all; unfinished work is in .scratch."""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def scratch_folder(stage: str) -> Path:
    """The stage's scratch folder; DVC experiments in temporary folders share the main project's."""
    folder = Path(os.environ.get("DVC_ROOT", ".")) / ".scratch" / stage
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def whole_folder(path: Path, *, keep_partial: bool = False) -> Iterator[Path]:
    """A new folder that replaces ``path`` when the block ends without an error. After an error it is
    removed, unless ``keep_partial``.
    """
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        if not keep_partial:
            shutil.rmtree(partial, ignore_errors=True)
        raise
    for kept in (".gitkeep", ".gitignore"):
        if (path / kept).exists():
            shutil.copy2(path / kept, partial / kept)
    shutil.rmtree(path, ignore_errors=True)
    partial.replace(path)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(content)
    partial.replace(path)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link a file, or copy it where the file system has no hard links."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def room_advice() -> Iterator[None]:
    """Turn a disk-full error into a ValueError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise ValueError(
            f"the disk is full ({error}): free some space and run again; finished work is kept"
        ) from error


def forget_old(scratch: Path, days: float) -> None:
    """Remove what was last modified more than ``days`` ago; finished runs are in DVC's cache."""
    for path in scratch.iterdir():
        if path.stat().st_mtime < time.time() - days * 86400:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
