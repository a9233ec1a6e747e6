"""The console command ``earshot`` and its subcommands.

Help and completion import every command, so commands import little before they run.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

# By name, as stages must not import flows.
COMMANDS = {
    "check": "stages.commands.check",
    "run": "flows.run",
    "transcribe": "stages.commands.transcribe",
    "preview": "stages.commands.preview",
    "lm": "stages.commands.lm",
    "compare": "stages.commands.compare",
}
MORE = """\
earshot COMMAND --help describes a command. Run the stages with dvc repro, or a single one without DVC with
python -m stages.NAME.

For shell completion, add the first line to ~/.bashrc, or the second one to ~/.zshrc:
  eval "$(earshot --print-completion bash)"
  autoload -Uz compinit && compinit && eval "$(earshot --print-completion zsh)"
"""


def main() -> int:
    """Like ``python -m``, run the code of the project in the current folder, if there is one, instead of the
    checkout that the command was installed from.
    """
    theirs = Path("stages/commands/__main__.py")
    if theirs.is_file() and not theirs.samefile(Path(__file__).with_name("__main__.py")):
        os.execv(sys.executable, [sys.executable, "-m", "stages.commands", *sys.argv[1:]])
    return dispatch(sys.argv[1:])


def dispatch(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    if arguments and arguments[0] in COMMANDS:
        try:
            code: int = _module(arguments[0]).main(arguments[1:])
        except KeyboardInterrupt:
            return 130
        return code
    commands = {name: _module(name).parser() for name in COMMANDS}
    whole = parser(commands)
    if arguments and not arguments[0].startswith("-"):
        whole.error(unknown(arguments[0]))
    shell = whole.parse_args(arguments).print_completion
    if not shell:
        whole.print_help(sys.stderr)
        return 2
    from stages.commands.completion import completion

    print(completion(whole, commands.values(), shell))
    return 0


def parser(commands: dict[str, argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The parser of all commands, for help and completion."""
    whole = argparse.ArgumentParser(
        prog="earshot",
        description="Earshot trains audio-recognition models as a DVC pipeline.",
        epilog=MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--print-completion", choices=["bash", "zsh"], help="a script for that shell")
    places = whole.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in commands.items():
        line = (command.description or "").partition("\n")[0]
        places.add_parser(name, parents=[command], add_help=False, description=line, help=line)
    return whole


def unknown(name: str) -> str:
    """The message for an unknown command."""
    near = get_close_matches(name, COMMANDS, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(COMMANDS)}"
    return f"no command {name!r}; {hint}"


def _module(name: str) -> Any:
    return importlib.import_module(COMMANDS[name])
