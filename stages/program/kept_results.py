"""Results of a stage that are good as long as nothing that it used has changed.

DVC sees whole folders of code. Of a stage that takes long, a result and the state of a run under way are kept
with the digests of the files that it used: a file that it does not use discards neither.
"""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from stages.program.inputs import digest_of
from stages.program.outputs import write_whole
from stages.program.used_code import are_there, used_code

DAYS_KEPT = 30.0
MAX_BYTES_KEPT = 5e9  # of finished results of all runs; the oldest ones go first


class KeptResult:
    """The folder of a run with its state, and with its outputs in ``finished`` once they are whole.

    ``code`` are all files that DVC takes for the stage's code, with their digests; runs with other params,
    data or versions have another ``folder``.
    """

    def __init__(self, folder: Path, code: Mapping[str, str]) -> None:
        self.code = digest_of(dict(sorted(code.items())))
        used = ((path.parent, json.loads(path.read_text())) for path in sorted(folder.glob("*/used.json")))
        matching = [path for path, files in used if are_there(files, code)]
        self.path = matching[0] if matching else folder / self.code[:32]
        if not matching:
            self.forget()  # of the same code, but something that DVC does not see was another
        self.finished = self.path / "finished"

    def is_recorded(self) -> bool:
        """Whether dvc has had this result with this very code: then it asks for another."""
        return self.finished.exists() and self.code in self._recorded()

    def note_used(self) -> None:
        """Before there is any state, and again when all is done."""
        write_whole(self.path / "used.json", (json.dumps(used_code(), indent=1) + "\n").encode())

    def forget(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def record(self) -> None:
        """The outputs are with dvc: what they were made from goes, and they stay for other code."""
        for path in self.path.iterdir():
            if path.name not in ("finished", "used.json", "recorded.json"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if self.code not in (recorded := self._recorded()):
            write_whole(self.path / "recorded.json", json.dumps([*recorded, self.code]).encode())
        (self.path / "used.json").touch()
        _forget_old(self.path.parents[1], self.path)

    def _recorded(self) -> list[str]:
        path = self.path / "recorded.json"
        found: list[str] = json.loads(path.read_text()) if path.exists() else []
        return found


def _forget_old(scratch: Path, own: Path) -> None:
    """Results of some days ago, and the oldest where all together are too large; those under way stay."""
    results = sorted(scratch.glob("*/*/used.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0.0
    for used in results:
        total += sum(path.stat().st_size for path in used.parent.rglob("*") if path.is_file())
        is_old = used.stat().st_mtime < time.time() - DAYS_KEPT * 86400
        finished = (used.parent / "finished").exists()
        if used.parent != own and (is_old or (finished and total > MAX_BYTES_KEPT)):
            shutil.rmtree(used.parent)
