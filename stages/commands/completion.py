"""What a shell needs to complete a command and its options."""

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path

import shtab


def completion(whole: ArgumentParser, commands: Iterable[ArgumentParser], shell: str) -> str:
    """A script. Arguments of the commands complete to files or folders if their names or types say so."""
    for command in commands:
        for action in command._actions:
            if action.metavar == "FOLDER":
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
            elif action.metavar == "FILE" or action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    script: str = shtab.complete(whole, shell)
    return script.replace('"(*):', '"*:')  # shtab's zsh would complete the first of several files alone
