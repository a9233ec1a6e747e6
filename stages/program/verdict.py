"""Whether params.yaml passed its check, kept under the digest of all that the check reads.

A check imports every class that the file names, which takes longer than many stages do. So the stages of a
run share one verdict, and a new check runs in its own process.
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

READ_BY_PARTS = ("features", "train", "evaluate")  # sections whose ``inputs`` a check reads
DAYS_KEPT = 30.0


class Verdict:
    """The record that a params file is valid. With ``trained``, for stages that work on a trained model: the
    files that it was made from may be missing.
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
        """Keep the verdict for next time, if it can be written."""
        with suppress(OSError):
            for path in self.kept:
                write_whole(path, b"")
            forget_old(self.whole.parent, DAYS_KEPT)

    def _listing(self, sections: tuple[str, ...]) -> str:
        """The files of inputs with sizes and modification times: hashing gigabytes would take long."""
        written = [self.document.get(name) for name in sections]
        folders = [Path(str(section["inputs"])) for section in written if section and "inputs" in section]
        return os.fsdecode(Inputs(folders).listing)

    def _file(self, seen: list[Any]) -> Path:
        key = hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:32]
        return Path(os.environ.get("DVC_ROOT", ".")) / ".scratch" / "checked" / key


def checked_params(path: Path, trained: bool = False, *, anew: bool = False) -> Params:
    """The params of a file that passes its check, or passed it before unless ``anew``. ValueError with all
    problems, one per line. Old names are reported on stderr.
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
    """Installed packages with their versions, from folder names: reading metadata takes long."""
    folders = [Path(entry) for entry in sys.path if Path(entry).is_dir()]
    return sorted({path.name for folder in folders for path in folder.glob("*.dist-info")})
