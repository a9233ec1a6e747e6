"""Which files of stages/ a program uses: those that it has loaded, and those that these import.

What a process has loaded is not all that it will use: some imports stand within functions, and loaders'
workers load what their parent does not know of.
"""

import ast
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from stages.program.inputs import PROJECT, hash_file

PACKAGE = PROJECT / "stages"


def used_files() -> set[str]:
    """Their names below the project, as in stages/train.py."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    waiting = {Path(file) for file in files if file and file.startswith(f"{PACKAGE}{os.sep}")}
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= _imported_by(file, file.stat().st_mtime_ns) - found
    return {file.relative_to(PROJECT).as_posix() for file in found}


def used_code() -> dict[str, str]:
    """The same files, each with the SHA-256 that it has now."""
    return {name: hash_file(PROJECT / name) for name in sorted(used_files())}


def are_there(used: Mapping[str, str]) -> bool:
    """Whether files are what they were when they were used."""
    files = {PROJECT / name: digest for name, digest in used.items()}
    return all(file.is_file() and hash_file(file) == digest for file, digest in files.items())


@cache
def _imported_by(file: Path, modified: int) -> frozenset[Path]:
    """Files of stages/ that a file imports, as it was ``modified`` last."""
    package = file.relative_to(PROJECT).parent.parts
    found: set[Path] = set()
    for node in _imports(ast.parse(file.read_bytes()).body):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.split(".")[0] == PACKAGE.name:
                path = PROJECT.joinpath(*name.split("."))
                found |= set(filter(Path.is_file, (path.with_suffix(".py"), path / "__init__.py")))
    return frozenset(found)


def _imports(nodes: Iterable[ast.AST]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Those of statements and of all statements within; expressions hold none and are most of a file."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _imports(ast.iter_child_nodes(node))
