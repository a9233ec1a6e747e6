"""Which files of stages/ a program uses: those that it has loaded, and those that these import.

What a process has loaded is not all that it will use: some imports stand within functions, and loaders'
workers load what their parent does not know of.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from stages.program.inputs import PROJECT, hash_file

PACKAGE = PROJECT / "stages"


def used_files() -> set[str]:
    """Their names below the project, as in stages/train.py."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    waiting = {Path(file) for file in files if file and Path(file).is_relative_to(PACKAGE)}
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= set(_imported_by(file)) - found
    return {file.relative_to(PROJECT).as_posix() for file in found}


def used_code() -> dict[str, str]:
    """The same files, each with the SHA-256 that it has now."""
    return {name: hash_file(PROJECT / name) for name in sorted(used_files())}


def are_there(used: Mapping[str, str]) -> bool:
    """Whether files are what they were when they were used."""
    files = {PROJECT / name: digest for name, digest in used.items()}
    return all(file.is_file() and hash_file(file) == digest for file, digest in files.items())


def _imported_by(file: Path) -> Iterator[Path]:
    package = file.relative_to(PROJECT).parent.parts
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] == PACKAGE.name:
                path = PROJECT.joinpath(*name.split("."))
                yield from filter(Path.is_file, (path.with_suffix(".py"), path / "__init__.py"))
