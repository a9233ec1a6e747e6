"""Check params.yaml without running anything.

Checks every key, value and class, and reports all problems together. A file that passed is not checked again
until the code, packages or inputs change.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.program.signals import exit_on_signals


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="earshot check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = Path("params.yaml")
    made.add_argument("file", nargs="?", type=Path, default=default, help="params.yaml by default")
    made.add_argument("--anew", action="store_true", help="check again even if it passed")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    exit_on_signals()
    from stages.program.verdict import checked_params

    try:
        checked_params(given.file, anew=given.anew)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given.file}: every key, value and class checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
