"""Make a language model from the training transcripts.

Counts n-grams of words in data/manifest/train.json, normalised by train.tokens of params.yaml, and
interpolates them with shorter ones (Witten and Bell 1991, https://doi.org/10.1109/18.87000, method C), which
suits few transcripts. FILE is in ARPA format, for stages.search.prefix_beam.PrefixBeam.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.program.signals import exit_on_signals


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="earshot lm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("file", type=Path, metavar="FILE")
    made.add_argument("--order", type=int, default=3, choices=range(1, 6), help="3 by default")
    made.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    exit_on_signals()
    from stages.commands.language_model import write_language_model
    from stages.program.verdict import checked_params

    try:
        written = write_language_model(given.file, checked_params(given.params), given.order)
    except (ValueError, OSError) as error:
        sys.exit(f"lm: {error}")
    print(f"{given.file}: {written}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
