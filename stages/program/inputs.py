"""What a stage reads, hashed at its start and compared at its end.

DVC records a stage's inputs when its command ends, so a file edited while a stage runs would be
recorded as the one that was used.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

Stat = tuple[int, int]


class Inputs:
    """Content hashes of files and folders (those of packages' caches left out)."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = sorted(paths)
        self.stats = {file: _stat(file) for file in _files(self.paths)}
        self.hashes = {file: hash_file(file) for file in self.stats}

    def digest(self) -> str:
        """One hash of all contents and names."""
        whole = hashlib.sha256()
        for file, digest in sorted(self.hashes.items()):
            whole.update(f"{file.as_posix()}\0{digest}\n".encode())
        return whole.hexdigest()

    def changed(self) -> list[Path]:
        """Files that appeared, vanished or hold other bytes now; only touched ones are read again."""
        now = {file: _stat(file) for file in _files(self.paths)}
        gone_or_new = set(now) ^ set(self.stats)
        touched = {file for file in now.keys() & self.stats if now[file] != self.stats[file]}
        return sorted(gone_or_new | {file for file in touched if hash_file(file) != self.hashes[file]})


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files(paths: Iterable[Path]) -> list[Path]:
    found = []
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [file for file in inside if file.is_file() and "__pycache__" not in file.parts]
    return found


def _stat(path: Path) -> Stat:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
