"""Results of a stage that are good as long as nothing that it used has changed.

DVC sees whole folders of code. Of a stage that takes long, a result and the state of a run under way are kept
with the digests of the files that it used: a file that it does not use discards neither.
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
MAX_BYTES_KEPT = 5e9  # of finished results of all runs; the oldest ones go first
STAYS = ("finished", "used.json", "recorded.json")


class KeptResult:
    """The folder of a run with its state, and with its outputs in ``finished`` once they are whole.

    ``code`` are all files of stages/ as they were when the stage began, with their digests, and ``seen``
    those that DVC takes for the stage's code; of these, files that are no modules count as used. Runs with
    other params, data or versions have another ``folder``.
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
        """Whether this result stood already when the stage ended with all that DVC sees as it is now."""
        return self.finished.exists() and self.seen in (_json(self.path / "recorded.json") or [])

    def begin(self) -> None:
        """Before anything is kept: what a run of other code left in this place goes."""
        if not self.is_known:
            shutil.rmtree(self.path, ignore_errors=True)

    def note_used(self, *, is_start: bool = False) -> None:
        """Which files are used: before there is any state, and again before the outputs are. ValueError at
        the start if one is not what it was when the stage began.
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
        """The outputs stand: what they were made from goes, and they stay for other code."""
        for path in self.path.iterdir():
            if path.name not in STAYS:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (self.path / "used.json").touch()
        _forget_old(self.path.parents[1], self.path)
        recorded = _json(self.path / "recorded.json") or []
        if self.seen not in recorded:
            write_whole(self.path / "recorded.json", json.dumps([*recorded, self.seen]).encode())


def _json(path: Path) -> Any:
    """What a file holds; None of one that is not there, or not whole."""
    with suppress(OSError, ValueError):
        return json.loads(path.read_text())
    return None


def _forget_old(scratch: Path, own: Path) -> None:
    """Runs that nobody has written for some days, and the oldest results where all together are too large.

    Another training may do the same at this moment.
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
            with suppress(OSError):  # others lie there
                run.parent.rmdir()


def _written(run: Path) -> float:
    """When something in a folder was written last."""
    times = [0.0]
    for path in (run, *run.rglob("*")):
        with suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times)
