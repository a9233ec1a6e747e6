"""Which files of stages/ a program uses: those that it has loaded, and those that these import.

What a process has loaded is not all that it will use: some imports stand within functions, and loaders'
workers load what their parent does not know of.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from stages.program.inputs import PROJECT, hash_file

PACKAGE = PROJECT / "stages"


def used_code() -> dict[str, str]:
    """The files by their names below the project, as in stages/train.py, each with its SHA-256."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    waiting = {Path(file) for file in files if file and Path(file).is_relative_to(PACKAGE)}
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= set(_imported_by(file)) - found
    return {file.relative_to(PROJECT).as_posix(): hash_file(file) for file in sorted(found)}


def are_there(used: Mapping[str, str], known: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Whether files are what they were when they were used; of some the digests are ``known`` already."""
    return all((known.get(name) or _digest(PROJECT / name)) == digest for name, digest in used.items())


def _digest(path: Path) -> str:
    return hash_file(path) if path.is_file() else ""


def _imported_by(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] == PACKAGE.name:
                path = PROJECT.joinpath(*name.split("."))
                yield from filter(Path.is_file, (path.with_suffix(".py"), path / "__init__.py"))
