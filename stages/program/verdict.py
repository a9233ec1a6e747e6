"""Whether params.yaml was found sound: kept by the digest of all that a check looks at.

A check imports every class that the file names, which takes longer than many a stage. So the stages of a run
share one verdict, and a fresh check runs in a process of its own.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from stages.program.inputs import PROJECT, Inputs
from stages.program.outputs import forget_old, write_whole
from stages.schema.params import Params
from stages.schema.reading import params_of, read_document

READ_BY_PARTS = ("features", "train", "evaluate")  # sections whose ``inputs`` a check looks into
DAYS_KEPT = 30.0


class Verdict:
    """That all is well with a params file. ``trained`` is for what works on a trained model: what that was
    made from may be gone.
    """

    def __init__(self, document: dict[str, Any], trained: bool = False) -> None:
        self.document = document
        machine = [platform.node(), os.environ.get("CUDA_VISIBLE_DEVICES"), sys.version, _packages()]
        common = [self.document, machine, Inputs([PROJECT / "stages"]).digest()]
        self.of_trained = self._file([*common, self._listing(("evaluate",))])
        self.whole = self._file([*common, self._listing(READ_BY_PARTS)])
        self.kept = [self.of_trained] if trained else [self.of_trained, self.whole]

    def is_known(self) -> bool:
        return self.whole.exists() or self.kept[-1].exists()

    def keep(self) -> None:
        """For the next time, where there is room for it."""
        with suppress(OSError):
            for path in self.kept:
                write_whole(path, b"")
            forget_old(self.whole.parent, DAYS_KEPT)

    def _listing(self, sections: tuple[str, ...]) -> str:
        """The files of inputs, with their sizes and times: there may be gigabytes of them."""
        written = [self.document.get(name) for name in sections]
        folders = [Path(str(section["inputs"])) for section in written if section and "inputs" in section]
        return os.fsdecode(Inputs(folders).listing)

    def _file(self, seen: list[Any]) -> Path:
        key = hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:32]
        return Path(os.environ.get("DVC_ROOT", ".")) / ".scratch" / "checked" / key


def checked_params(path: Path, trained: bool = False, *, anew: bool = False) -> Params:
    """The params of a file that is found sound, now or, unless it is checked ``anew``, before. ValueError
    with all its problems, one a line. Old names in it are told on stderr.
    """
    document = read_document(path, lambda line: print(f"{path}: {line}", file=sys.stderr))
    if anew or not Verdict(document, trained).is_known():
        _check(document, path, trained)
    return params_of(document)


def _check(document: dict[str, Any], path: Path, trained: bool) -> None:
    search_path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "stages.preflight", str(path), *(["--trained"] if trained else [])],
        input=json.dumps(document),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": search_path},
    )
    if done.returncode:
        raise ValueError(done.stdout.strip() or f"{path}: its check ended with exit code {done.returncode}")


def _packages() -> list[str]:
    """Installed packages with their versions, by the names of their folders: reading more takes long."""
    folders = [Path(entry) for entry in sys.path if Path(entry).is_dir()]
    return sorted({path.name for folder in folders for path in folder.glob("*.dist-info")})
