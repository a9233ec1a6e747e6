"""Stands in for the check of params.yaml: keys, types and values, and no class is imported."""

import argparse
import json
import sys
from pathlib import Path

from pydantic import ValidationError

from stages.program.verdict import Verdict
from stages.schema.reading import params_of


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--trained", action="store_true")
    given = parser.parse_args()
    verdict = Verdict(json.load(sys.stdin), given.trained)
    try:
        params_of(verdict.document)
    except ValidationError as error:
        for problem in error.errors():
            print(f"  {'.'.join(map(str, problem['loc']))}: {problem['msg']}")
        return 1
    verdict.keep()
    return 0


if __name__ == "__main__":
    sys.exit(main())
