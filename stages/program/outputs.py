"""Where stages write: outputs appear whole or not at all, and unfinished work lives in .scratch."""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def scratch_folder(stage: str) -> Path:
    """The stage's scratch folder; a DVC experiment in a folder of its own shares the main one."""
    folder = Path(os.environ.get("DVC_ROOT", ".")) / ".scratch" / stage
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def whole_folder(path: Path, *, keep_partial: bool = False) -> Iterator[Path]:
    """A folder to fill that takes the place of ``path`` only when the block ends without an error. After one
    it is removed, unless ``keep_partial``.
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
    """Write a file that is never seen half-written."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(content)
    partial.replace(path)


def link_or_copy(source: Path, target: Path) -> None:
    """One file under two names where the file system can, two files where it cannot."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def room_advice() -> Iterator[None]:
    """Turn the error of a full disk into a ValueError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise ValueError(
            f"the disk is full ({error}): make room and run again; finished work is kept"
        ) from error


def forget_old(scratch: Path, days: float) -> None:
    """Remove what no run has written for some days; finished runs are in DVC's cache."""
    for path in scratch.iterdir():
        if path.stat().st_mtime < time.time() - days * 86400:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
