"""Compare a candidate with the champion.

Both are hypotheses.parquet files of the evaluate stage, compared on the utterances that the champion was
scored on. The probability that the candidate's error rate is lower comes from a paired bootstrap over
utterances (Bisani and Ney 2004). The exit code is 0 whichever is better.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from stages.program.signals import exit_on_signals


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="earshot compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("champion", type=Path)
    made.add_argument("candidate", type=Path)
    made.add_argument("--metric", default="wer", help="wer by default; any with a column METRIC_edits")
    made.add_argument("--margin", type=float, default=0.0, help="how much better it must be, as a fraction")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    exit_on_signals()
    if not math.isfinite(given.margin):
        parser().error("--margin: expected a finite number")
    import pandas as pd

    from stages.commands.comparison import compare

    try:
        for path in (given.champion, given.candidate):
            if not path.exists():
                raise ValueError(f"{path}: no such file")
        champion, candidate = (pd.read_parquet(path) for path in (given.champion, given.candidate))
        found = compare(champion, candidate, metric=given.metric, margin=given.margin)
    except (ValueError, OSError) as error:
        sys.exit(f"comparison of {given.champion} and {given.candidate}: {error}")
    print(json.dumps(asdict(found), indent=1) if given.json else found.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
