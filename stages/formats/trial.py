"""Try whether formats can write a model, with fresh weights; see stages.callbacks.export_probe.

``python -m stages.formats.trial VERDICT`` reads a request from stdin and writes the result as JSON.
"""

import json
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from stages.formats.format import Format
from stages.formats.refusal import refusal
from stages.program.outputs import write_whole
from stages.program.parents import die_with_parent
from stages.program.used_code import used_code
from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe


def tried(recipe: Recipe, formats: list[Part], scratch: Path) -> str:
    """Why one of the formats cannot write the model; empty if all can, or if the task declares that it has
    nothing to export.
    """
    if recipe.task.load().unexportable(recipe.task.init_args):
        return ""
    torch.manual_seed(0)
    task = recipe.build().eval()
    for part in formats:
        format_: Format = part.build()
        with TemporaryDirectory(dir=scratch) as folder:
            try:
                format_.write(recipe, task, Path(folder))
            except (OSError, MemoryError):  # caused by this machine, not by the model
                raise
            except Exception as error:  # noqa: BLE001 - models and the exporter raise any
                traceback.print_exc()
                return f"{part.class_path} cannot write this model: {refusal(error, task)}"
    return ""


def main() -> None:
    request: dict[str, Any] = json.load(sys.stdin)
    die_with_parent(request["parent"])
    with suppress(OSError):  # Linux: if memory runs out, the kernel kills this process, not training
        Path("/proc/self/oom_score_adj").write_text("1000")
    verdict = Path(sys.argv[1])
    recipe = Recipe.read(request["recipe"])
    formats = [Part.model_validate(part) for part in request["formats"]]
    reason = tried(recipe, formats, verdict.parent)
    write_whole(verdict, json.dumps({"reason": reason, "code": used_code()}, indent=1).encode())


if __name__ == "__main__":
    main()
