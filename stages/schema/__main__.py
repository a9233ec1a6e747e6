"""Check params.yaml without running anything: python -m stages.schema [FILE]"""

import sys
from pathlib import Path

from stages.schema.reading import read_params


def main() -> int:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "params.yaml")
    try:
        read_params(path)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path}: every key, value and class checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
