"""Params files that tests change, and check in their own process: another one takes seconds for each."""

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from stages.program.verdict import Verdict
from stages.schema.reading import read_document

PARAMS = Path("params.yaml")

KEEP_VERDICT = """
from pathlib import Path
from stages.program.verdict import Verdict
from stages.schema.reading import read_document
Verdict(read_document(Path("params.yaml"))).keep()
"""


def set_values(document: dict[str, Any], changes: dict[str, Any]) -> None:
    """Replace values by their dotted paths."""
    for key, value in changes.items():
        *sections, name = key.split(".")
        section = document
        for step in sections:
            section = section[step]
        section[name] = value


def check_here(path: Path, trained: bool = False) -> None:
    """What ``python -m stages.preflight`` does; ValueError where that prints problems."""
    from stages.preflight.reading import read_params  # seconds, which tests with light stages do without

    verdict = Verdict(read_document(path), trained)
    read_params(path, trained)
    verdict.keep()


def vouch(folder: Path, changes: dict[str, Any], file: Path = PARAMS) -> None:
    """Let the stages and flows of a project find that its params, with these changes, were checked before."""
    yaml = YAML(typ="safe", pure=True)
    with contextlib.chdir(folder):
        document = yaml.load(file.read_text(encoding="utf-8"))
        set_values(document, changes)
        changed = Path(".scratch/vouched.yaml")
        changed.parent.mkdir(exist_ok=True)
        with changed.open("w", encoding="utf-8") as stream:
            yaml.dump(document, stream)
        check_here(changed)
        changed.unlink()


def vouch_with_own_code(folder: Path) -> None:
    """The same of a project whose code is not that of the tests; nothing is checked."""
    subprocess.run([sys.executable, "-c", KEEP_VERDICT], cwd=folder, check=True)
