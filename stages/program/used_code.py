"""Which files of stages/ a program uses: those that it has loaded, and those that these import.

A process may use more than it has loaded: some imports are within functions, and loaders' workers import
modules that their parent has not.
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
    """Their paths relative to the project, such as stages/train.py."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    waiting = {Path(file) for file in files if file and file.startswith(f"{PACKAGE}{os.sep}")}
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= _imported_by(file, file.stat().st_mtime_ns) - found
    return {file.relative_to(PROJECT).as_posix() for file in found}


def used_code() -> dict[str, str]:
    """The same files, each with its current SHA-256."""
    return {name: hash_file(PROJECT / name) for name in sorted(used_files())}


def are_there(used: Mapping[str, str]) -> bool:
    """Whether files are unchanged since they were used."""
    files = {PROJECT / name: digest for name, digest in used.items()}
    return all(file.is_file() and hash_file(file) == digest for file, digest in files.items())


@cache
def _imported_by(file: Path, modified: int) -> frozenset[Path]:
    """Files of stages/ that a file imports; ``modified`` is its modification time, a key of the cache."""
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
    """Imports in statements and nested statements; expressions, most of a file, contain none."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _imports(ast.iter_child_nodes(node))
