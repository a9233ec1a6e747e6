"""Results of a stage that stay valid until something that it used changes.

DVC tracks entire folders of code. The result of a slow stage, and the state of an unfinished run, are kept
with the digests of the files that it used: an edit of any other file discards neither.
"""

import json
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from stages.program.inputs import digest_of, hash_file
from stages.program.outputs import write_whole
from stages.program.used_code import PROJECT, used_files

DAYS_KEPT = 30.0
MAX_BYTES_KEPT = 5e9  # finished results of all runs; the oldest are removed first
STAYS = ("finished", "used.json", "recorded.json")


class KeptResult:
    """The folder of a run with its state, and with its outputs in ``finished`` once they are complete.

    ``code`` maps all files of stages/ to their digests when the stage began; ``seen`` those that DVC tracks
    as the stage's code. Of these, files that are not modules count as used. Runs with other params, data or
    versions have another ``folder``.
    """

    def __init__(self, folder: Path, code: Mapping[str, str], seen: Mapping[str, str]) -> None:
        self.code, self.seen = code, digest_of(seen)
        self.no_modules = {name for name in seen if not name.endswith(".py")}
        used = ((path.parent, _json(path)) for path in sorted(folder.glob("*/used.json")))
        matching = [path for path, files in used if files and files.items() <= code.items()]
        self.is_known = bool(matching)
        self.path = matching[0] if matching else folder / self.seen[:32]
        self.finished = self.path / "finished"

    def is_recorded(self) -> bool:
        """Whether this result was recorded before, with the stage's code as DVC sees it now."""
        return self.finished.exists() and self.seen in (_json(self.path / "recorded.json") or [])

    def begin(self) -> None:
        """Remove what a run of other code left in this place, before anything is kept."""
        if not self.is_known:
            shutil.rmtree(self.path, ignore_errors=True)

    def note_used(self, *, is_start: bool = False) -> None:
        """Record which files are used: before any state is saved, and again before the outputs are. With
        ``is_start``, ValueError if one has changed since the stage began.
        """
        names = sorted(used_files() | self.no_modules)
        used = {name: self.code.get(name, "added while it ran") for name in names}
        for name, digest in used.items() if is_start else ():
            if hash_file(PROJECT / name) != digest:
                raise ValueError(f"{name} was edited while the stage began: run again")
        write_whole(self.path / "used.json", (json.dumps(used, indent=1) + "\n").encode())

    def forget(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self.is_known = False

    def record(self) -> None:
        """Record that the outputs are in place, and remove all that they were made from."""
        for path in self.path.iterdir():
            if path.name not in STAYS:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (self.path / "used.json").touch()
        _forget_old(self.path.parents[1], self.path)
        recorded = _json(self.path / "recorded.json") or []
        if self.seen not in recorded:
            write_whole(self.path / "recorded.json", json.dumps([*recorded, self.seen]).encode())


def _json(path: Path) -> Any:
    """The content of a file; None if it does not exist or is incomplete."""
    with suppress(OSError, ValueError):
        return json.loads(path.read_text())
    return None


def _forget_old(scratch: Path, own: Path) -> None:
    """Remove runs not written to for DAYS_KEPT days, and the oldest results beyond MAX_BYTES_KEPT in total.

    Another training may do the same at the same time.
    """
    runs = [path for key in scratch.iterdir() if key.is_dir() for path in key.iterdir()]
    total = 0.0
    for written, run in sorted(((_written(run), run) for run in runs), reverse=True):
        files = [path for path in run.rglob("*") if path.is_file()] if (run / "finished").exists() else []
        with suppress(FileNotFoundError):
            total += sum(path.stat().st_size for path in files)
        is_old = written < time.time() - DAYS_KEPT * 86400
        if run != own and (is_old or (files and total > MAX_BYTES_KEPT)):
            shutil.rmtree(run, ignore_errors=True) if run.is_dir() else run.unlink(missing_ok=True)
            with suppress(OSError):  # not empty
                run.parent.rmdir()


def _written(run: Path) -> float:
    """When a folder or anything in it was last modified."""
    times = [0.0]
    for path in (run, *run.rglob("*")):
        with suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times)
