"""Make a page of augmented recordings.

Reads params.yaml and the training manifest. Writes a page with recordings of the training split: the
original, the copies of features.copies, and some epochs of train.augment, each as audio, as a spectrogram
and as the features for the model. Prints the path of the page.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.program.signals import exit_on_signals

OUTPUT = Path("artifacts/logs/augmentation")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="earshot preview",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE")
    made.add_argument("--utterance", action="append", default=[], metavar="ID", help="may be repeated")
    made.add_argument(
        "--out", type=Path, default=OUTPUT, metavar="FOLDER", help=f"by default {OUTPUT.as_posix()}"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    exit_on_signals()
    from stages.commands.augmentation_preview import previewed
    from stages.commands.preview_page import write_page
    from stages.program.verdict import checked_params

    try:
        if given.out.exists() and not given.out.is_dir():
            raise ValueError(f"--out {given.out}: is a file; name a folder for the page and its files")
        print(write_page(previewed(checked_params(given.params), given.utterance), given.out))
    except (ValueError, OSError) as error:
        sys.exit(f"preview: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
