"""Run a stage as a program: ``python -m stages.NAME [--params FILE]``.

It checks the complete params file first, exits non-zero whenever it ends early, and fails if a file that
it read changed while it ran.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stages.program.inputs import Inputs
from stages.program.parents import die_with_parent
from stages.program.printable import escape_what_cannot_be_shown, printable
from stages.program.signals import exit_on_signals
from stages.program.verdict import checked_params
from stages.schema.params import Params
from stages.schema.reading import params_of, read_document

PACKAGE = Path(__file__).parents[1]

Run = Callable[[Params, Inputs], Callable[[], None] | None]


@dataclass(frozen=True)
class Stage:
    """A stage's params and inputs, as in dvc.yaml (a test compares them).

    ``code`` has paths below ``stages/``; ``data`` returns paths below the project for given params. A stage
    that works on a ``trained`` model needs neither folder nor hub that the model was made from.
    """

    name: str
    code: tuple[str, ...]
    data: Callable[[Params], list[Path]]
    shared: tuple[str, ...] = ()
    trained: bool = False

    def settings(self, params: Params) -> dict[str, object]:
        """The values that this stage may read, by their keys in params.yaml."""
        return params.model_dump(mode="json", include={self.name, *self.shared})

    def parser(self, description: str | None) -> argparse.ArgumentParser:
        """The parser of the command line that every stage has."""
        made = argparse.ArgumentParser(
            prog=f"python -m stages.{self.name}",
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE")
        return made

    def main(self, run: Run, description: str | None) -> None:
        """Run as a program: ``run`` gets the checked params and the inputs as recorded at the start. The
        function that it returns, if any, is called after the final check of the inputs.
        """
        self.start(run, self.parser(description).parse_args().params)

    def start(self, run: Run, path: Path) -> None:
        """Run as a program with the params of that file."""
        escape_what_cannot_be_shown()
        if "LOCAL_RANK" in os.environ:  # one of several processes of a training
            die_with_parent()
        try:
            self.run(run, path)
        except KeyboardInterrupt:
            sys.exit(130)
        except (ValueError, OSError) as error:
            if not _ours(error):
                traceback.print_exc()
            message = "\n".join(map(printable, str(error).split("\n")))  # it may quote the data
            sys.exit(f"{self.name}: {message}")

    def run(self, run: Run, path: Path, read: Callable[..., Params] = checked_params) -> None:
        """Read params, run, and compare the inputs with their state at the start (ValueError if changed)."""
        inputs = Inputs(PACKAGE / name for name in self.code)  # before the check, which takes seconds
        params = read(path, self.trained)
        exit_on_signals()
        for folder in self.data(params):
            if not folder.exists():
                raise ValueError(f"{folder}: no such file or folder, but this stage reads it")
        inputs.add(self.data(params))
        finish = run(params, inputs)
        changed = [str(file) for file in inputs.changed()]
        if not self._reads_the_same(path, params):
            changed.append(str(path))
        if changed:
            raise ValueError(
                f"changed while the stage ran: {', '.join(changed)}. The result belongs to the previous"
                " version, so it is not recorded. Run again, or undo the edit."
            )
        if finish:
            finish()

    def _reads_the_same(self, path: Path, params: Params) -> bool:
        try:
            return self.settings(params_of(read_document(path))) == self.settings(params)
        except ValueError:  # no longer valid params
            return False


def _ours(error: BaseException) -> bool:
    """Whether a ``raise`` statement of this project raised the error, with a message for the user; not
    Python, nor a user's own part.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not Path(frames[-1].filename).is_relative_to(PACKAGE):
        return False
    return isinstance(error, OSError) or (frames[-1].line or "raise").startswith("raise ")
