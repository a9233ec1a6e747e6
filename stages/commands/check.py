"""Check params.yaml without running anything: every key, value and class.

A file that was found sound, with the same code, packages and inputs, is not checked again.
"""

import argparse
import sys
from pathlib import Path

from stages.program.verdict import checked_params


def main() -> int:
    description = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="earshot check", description=__doc__, formatter_class=description)
    parser.add_argument("file", nargs="?", type=Path, default=Path("params.yaml"))
    parser.add_argument("--anew", action="store_true", help="check it even so")
    given = parser.parse_args()
    try:
        checked_params(given.file, anew=given.anew)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given.file}: every key, value and class checked")
    return 0
