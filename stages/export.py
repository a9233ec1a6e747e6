"""Write the best checkpoint in the formats that it ships in: artifacts/export.

Every format checks that what it wrote computes what the model computes; if one of them does not,
there is no output at all.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.formats.format import Format
from stages.formats.refusal import refusal
from stages.program.inputs import Inputs
from stages.program.outputs import whole_folder, write_whole
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.tasks.checkpoint import load
from stages.tasks.task import Task

CHECKPOINT = Path("artifacts/train/best.ckpt")
OUTPUT = Path("artifacts/export")
SAID = Path("artifacts/logs/export_error.txt")

STAGE = Stage(
    name="export",
    code=(
        "export.py", "schema", "program", "compat", "padding", "frontends", "tokens", "augment", "batching",
        "models", "losses", "search", "metrics", "tasks", "formats", "audio",
    ),
    data=lambda _: [CHECKPOINT],
    trained=True,
)  # fmt: skip


def run(params: schema.Params, inputs: Inputs) -> None:
    recipe, task = load(CHECKPOINT)
    with whole_folder(OUTPUT) as folder:
        for index, part in enumerate(params.export.formats):
            format_: Format = part.build()
            aside = folder / f".{index}"  # by itself first, so that no format can overwrite another's file
            aside.mkdir()
            who = f"export.formats[{index}]: {part.class_path}"
            with _one_sentence(who, task):
                format_.write(recipe, task, aside)
            _adopt(aside, folder, who)


@contextmanager
def _one_sentence(who: str, task: Task) -> Iterator[None]:
    """Turn what an exporter says into a ValueError of one sentence; the rest of it goes into a file."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        write_whole(SAID, traceback.format_exc().encode())
        reason = refusal(error, task)
        raise ValueError(f"{who} cannot write this model: {reason} (all that was said: {SAID})") from error


def _adopt(aside: Path, folder: Path, who: str) -> None:
    """Move what a format wrote into the output; ValueError if an earlier one wrote a file of that name."""
    written = sorted(aside.iterdir())
    if taken := [path.name for path in written if (folder / path.name).exists()]:
        raise ValueError(f"{who} writes {', '.join(taken)}, as an earlier format does; remove one of them")
    for path in written:
        path.replace(folder / path.name)
        print(f"{OUTPUT / path.name}: {(folder / path.name).stat().st_size / 1000:.0f} kB")
    aside.rmdir()


if __name__ == "__main__":
    STAGE.main(run, __doc__)
