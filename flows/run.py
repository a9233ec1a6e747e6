"""Train, or score the trained model on a split: python -m flows.run train|val|test PARAMS.yaml

The file becomes params.yaml once it has been checked; what was there is kept under .scratch/params.
train runs what has changed; val and test only evaluate the model that there is. The exit code is dvc's.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

from flows import dvc_command, params_file
from flows.dvc_command import PROJECT

EVALUATED = {"val": "validation", "test": "test"}


def run(mode: str, params: Path) -> int:
    """The exit code of dvc; ValueError when the file is wrong, and then params.yaml is what it was."""
    overrides = [f"evaluate.split={EVALUATED[mode]}"] if mode in EVALUATED else []
    only = ["-s", "evaluate"] if mode in EVALUATED else []
    with dvc_command.only_run(PROJECT / dvc_command.LOCK):
        for said in params_file.prepare(PROJECT, str(params), []):
            print(said, flush=True)
        with params_file.temporarily(PROJECT, overrides):
            failed = dvc_command.run("repro", *only, folder=PROJECT)
    if not failed:
        for name, value in json.loads((PROJECT / dvc_command.METRICS).read_text()).items():
            print(f"{name:36} {value:.4f}" if isinstance(value, float) else f"{name:36} {value}")
    return failed


def main() -> int:
    description = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m flows.run", description=__doc__, formatter_class=description
    )
    parser.add_argument("mode", choices=["train", *EVALUATED])
    parser.add_argument("params", type=Path)
    arguments = parser.parse_args()
    dvc_command.exit_on_signals()
    try:
        return run(arguments.mode, arguments.params)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
