"""What a stage reads, noted at its start and compared at its end.

DVC records a stage's inputs when its command ends, so a file edited while a stage runs would be
recorded as the one that was used.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).parents[2]
IGNORED = {"__pycache__", ".git"}  # as by DVC
Stat = tuple[int, int]


class Inputs:
    """Files and folders (caches and .git left out), as they are now.

    Their contents are hashed when somebody asks for the digest, at once or not at all; without it, size
    and time of change stand for them, so that a stage does not read a large corpus twice.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths: list[Path] = []
        self.stats: dict[Path, Stat] = {}
        self.hashes: dict[Path, str] = {}
        self.add(paths)

    def add(self, paths: Iterable[Path]) -> None:
        """More files and folders, as they are now."""
        added = sorted(paths)
        self.paths += added
        self.stats.update((file, _stat(file)) for file in _files(added))

    def digest(self) -> str:
        """One hash of all contents and names; the same in every checkout."""
        self.hashes = self.hashes or {file: hash_file(file) for file in self.stats}
        whole = hashlib.sha256()
        for file, digest in sorted(self.hashes.items()):
            name = file.relative_to(PROJECT) if file.is_relative_to(PROJECT) else file
            whole.update(f"{name.as_posix()}\0{digest}\n".encode())
        return whole.hexdigest()

    def changed(self) -> list[Path]:
        """Files that appeared, vanished or changed; touched ones that were hashed are compared by content."""
        now = {file: _stat(file) for file in _files(self.paths)}
        gone_or_new = set(now) ^ set(self.stats)
        touched = {file for file in now.keys() & self.stats if now[file] != self.stats[file]}
        return sorted(gone_or_new | {file for file in touched if self.hashes.get(file) != hash_file(file)})


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files(paths: Iterable[Path]) -> list[Path]:
    found = []
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [file for file in inside if file.is_file() and not IGNORED.intersection(file.parts)]
    return found


def _stat(path: Path) -> Stat:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
