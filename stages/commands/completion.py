"""Shell completion of a command and its options."""

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path

import shtab


def completion(whole: ArgumentParser, commands: Iterable[ArgumentParser], shell: str) -> str:
    """A completion script. Arguments complete to files or folders, depending on metavar or type."""
    for command in commands:
        for action in command._actions:
            if action.metavar == "FOLDER":
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
            elif action.metavar == "FILE" or action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    script: str = shtab.complete(whole, shell)
    return script.replace('"(*):', '"*:')  # else zsh would complete only the first of several files
