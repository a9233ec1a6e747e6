"""Train, or score the trained model on a split.

train checks the file, copies it to params.yaml and runs the changed stages; the previous params.yaml is kept
in .scratch/params. val and test score the trained model, if it was trained with the values of the file, and
only change artifacts/logs/evaluate. The exit code is that of dvc or of the stage.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from stages.schema.extras import needs

MODES = ("train", "val", "test")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="earshot run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("mode", choices=MODES)
    made.add_argument("params", type=Path, metavar="PARAMS.yaml")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    if not find_spec("dvc"):
        print(f"run: {needs('dvc')}", file=sys.stderr)
        return 1
    from flows import dvc_command

    dvc_command.exit_as_on_ctrl_c()
    try:
        return run(given.mode, given.params)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def run(mode: str, params: Path) -> int:
    """Return the exit code; ValueError if the file is not valid or differs from the trained params."""
    from flows import dvc_command, params_file, scoring

    project = dvc_command.PROJECT
    with dvc_command.only_run(project / dvc_command.LOCK):
        if mode in scoring.SPLITS:
            return scoring.score(project, scoring.SPLITS[mode], str(params))
        for line in params_file.prepare(project, str(params), []):
            print(line, flush=True)
        failed = dvc_command.run("repro", folder=project)
    if not failed:
        for name, value in json.loads((project / dvc_command.METRICS).read_text()).items():
            print(f"{name:36} {value:.4f}" if isinstance(value, float) else f"{name:36} {value}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
