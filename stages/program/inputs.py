"""The files that a stage reads, recorded at its start and compared at its end.

DVC records a stage's inputs when its command ends: a file edited while a stage runs would be recorded as
the one that was used.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "stages"
IGNORED = {"__pycache__", ".git"}  # as by DVC
Stat = tuple[int, int]


class Inputs:
    """The current state of files and folders, without what .dvcignore excludes: caches, .git and, in code,
    editors' temporary files.

    Contents are hashed only when the digest is requested. Without it, sizes and modification times are
    compared, so that a stage does not read a large corpus twice.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths: list[Path] = []
        self.listing = b""  # one string for a million files, not as many objects
        self.hashes: dict[Path, str] = {}
        self.add(paths)

    def add(self, paths: Iterable[Path]) -> None:
        """Add the current state of more files and folders."""
        added = sorted(paths)
        self.paths += added
        self.listing += b"".join(map(_listing, added))

    def digests(self) -> dict[str, str]:
        """The SHA-256 of every file by its name; names are the same in every checkout."""
        self.hashes = self.hashes or {file: hash_file(file) for file in _stats(self.listing)}
        return {_name(file): digest for file, digest in sorted(self.hashes.items())}

    def digest(self) -> str:
        """One hash of all contents and names."""
        return digest_of(self.digests())

    def changed(self) -> list[Path]:
        """Files that were added, removed or changed; hashed files are compared by content."""
        listing = b"".join(map(_listing, self.paths))
        if listing == self.listing:
            return []
        before, now = _stats(self.listing), _stats(listing)
        gone_or_new = set(now) ^ set(before)
        touched = {file for file in now.keys() & before if now[file] != before[file]}
        return sorted(gone_or_new | {file for file in touched if self.hashes.get(file) != hash_file(file)})


def digest_of(digests: Mapping[str, str]) -> str:
    """One hash of files' names and digests, in their order."""
    lines = "".join(f"{name}\0{digest}\n" for name, digest in digests.items())
    return hashlib.sha256(os.fsencode(lines)).hexdigest()


def _name(file: Path) -> str:
    return (file.relative_to(PROJECT) if file.is_relative_to(PROJECT) else file).as_posix()


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _listing(path: Path) -> bytes:
    """A line for a file, or for every file in a folder, sorted: its path, size and time of change."""
    if path.is_dir():
        return b"".join(sorted(_lines(str(path))))
    return _line(str(path), path.stat()) if path.is_file() else b""


def _line(name: str, status: os.stat_result) -> bytes:
    return os.fsencode(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0")


def _lines(folder: str) -> Iterator[bytes]:
    left_out = _no_code if Path(folder).is_relative_to(PACKAGE) else IGNORED.__contains__
    return (_line(entry.path, entry.stat()) for entry in entries(folder, left_out) if entry.is_file())


def _no_code(name: str) -> bool:
    return name in IGNORED or name.startswith((".", "#")) or name.endswith("~")


def entries(folder: str, left_out: Callable[[str], bool] | None = None) -> Iterator[os.DirEntry[str]]:
    """All entries of a folder and its subfolders, in no particular order. Links to folders are not followed;
    entries whose name is ``left_out`` are skipped.
    """
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as found:
            for entry in found:
                if left_out and left_out(entry.name):
                    continue
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)


def _stats(listing: bytes) -> dict[Path, Stat]:
    fields = os.fsdecode(listing).split("\0")
    return {
        Path(name): (int(size), int(time))
        for name, size, time in zip(fields[:-1:3], fields[1::3], fields[2::3], strict=True)
    }
