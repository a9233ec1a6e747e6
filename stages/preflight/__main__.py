"""Check a params file against every class that it names: python -m stages.preflight FILE [--trained]

It prints all problems there are, or keeps the verdict that there are none for stages.program.verdict.
"""

import argparse
import sys
from pathlib import Path

from stages.preflight.reading import read_params
from stages.program.parents import die_with_parent
from stages.program.verdict import Verdict


def main() -> int:
    die_with_parent()
    parser = argparse.ArgumentParser(prog="python -m stages.preflight", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--trained", action="store_true", help="for what works on a trained model")
    given = parser.parse_args()
    try:
        verdict = Verdict(given.file, given.trained)  # of what is there before it is looked at
        read_params(given.file, given.trained)
    except ValueError as error:
        print(error)
        return 1
    verdict.keep()
    return 0


if __name__ == "__main__":
    sys.exit(main())
