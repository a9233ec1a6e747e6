"""Train, or score the trained model on a split.

The file becomes params.yaml once it has been checked; what was there is kept under .scratch/params.
train runs what has changed; val and test only evaluate the model that there is. The exit code is dvc's.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from stages.schema.extras import needs

EVALUATED = {"val": "validation", "test": "test"}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="earshot run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("mode", choices=["train", *EVALUATED])
    made.add_argument("params", type=Path, metavar="PARAMS.yaml")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    if not find_spec("dvc"):
        print(f"run: {needs('dvc')}", file=sys.stderr)
        return 1
    from flows import dvc_command

    dvc_command.exit_on_signals()
    try:
        return run(given.mode, given.params)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def run(mode: str, params: Path) -> int:
    """The exit code of dvc; ValueError when the file is wrong, and then params.yaml is what it was."""
    from flows import dvc_command, params_file

    overrides = [f"evaluate.split={EVALUATED[mode]}"] if mode in EVALUATED else []
    with dvc_command.only_run(dvc_command.PROJECT / dvc_command.LOCK):
        for said in params_file.prepare(dvc_command.PROJECT, str(params), []):
            print(said, flush=True)
        with params_file.temporarily(dvc_command.PROJECT, overrides):
            only = ["-s", "evaluate"] if mode in EVALUATED else []
            failed = dvc_command.run("repro", *only, folder=dvc_command.PROJECT)
    if not failed:
        for name, value in json.loads((dvc_command.PROJECT / dvc_command.METRICS).read_text()).items():
            print(f"{name:36} {value:.4f}" if isinstance(value, float) else f"{name:36} {value}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
