"""Check params.yaml without running anything: python -m stages.schema [FILE]"""

import argparse
import sys
from pathlib import Path

from stages.schema.reading import read_params


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stages.schema", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=Path("params.yaml"))
    path = parser.parse_args().file
    try:
        read_params(path)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path}: every key, value and class checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
