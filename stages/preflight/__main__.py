"""Check params against every class that they name: python -m stages.preflight FILE [--trained]

Reads the document as JSON from stdin; FILE is its name in messages. Prints all problems; if there are none,
keeps that verdict for stages.program.verdict.
"""

import argparse
import json
import sys
from pathlib import Path

from stages.program.parents import die_with_parent
from stages.program.quick_imports import quick_imports
from stages.program.signals import exit_on_signals
from stages.program.verdict import Verdict


def main() -> int:
    die_with_parent()
    exit_on_signals()
    parser = argparse.ArgumentParser(prog="python -m stages.preflight", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--trained", action="store_true", help="for stages that work on a trained model")
    given = parser.parse_args()
    verdict = Verdict(json.load(sys.stdin), given.trained)  # hashes the code before it is imported
    with quick_imports():
        from stages.preflight.reading import checked

    try:
        checked(verdict.document, given.file, given.trained)
    except ValueError as error:
        print(error)
        return 1
    verdict.keep()
    return 0


if __name__ == "__main__":
    sys.exit(main())
