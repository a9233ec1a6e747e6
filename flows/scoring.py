"""Score the trained model on a split, without changing files tracked by git or DVC."""

import json
from pathlib import Path
from typing import Any

from flows import dvc_command, params_file
from stages.program.outputs import write_whole

SPLITS = {"val": "validation", "test": "test"}  # by the mode of a run
SCORED = Path(".scratch/params/scored.yaml")
NUM_DIFFERENCES = 3


def score(
    folder: Path,
    split: str,
    recipe: str | None = None,
    overrides: list[str] | None = None,
    on_line: dvc_command.Line | None = None,
) -> int:
    """Run the evaluate stage for a split with params.yaml or a recipe and overrides; return its exit code.

    ValueError if the params are not valid, or differ from those of the trained model.
    """
    write_whole(folder / SCORED, params_file.checked(folder, recipe, overrides or []))
    if found := params_file.other_than_trained(folder, folder / SCORED):
        more = len(found) - NUM_DIFFERENCES
        shown = [*found[:NUM_DIFFERENCES], *([f"and {more} more"] if more > 0 else [])]
        command = f"earshot run train {recipe}" if recipe else "dvc repro"
        raise ValueError(
            f"{recipe or 'params.yaml'}: the model here was trained with other values ({'; '.join(shown)})."
            f" To train with this file: {command}"
        )
    return dvc_command.run_stage(
        "evaluate", "--params", str(SCORED), "--split", split, folder=folder, on_line=on_line
    )


def scores(folder: Path, split: str) -> dict[str, Any]:
    """The metrics of a split that was scored."""
    path = folder / dvc_command.SCORES / split / dvc_command.METRICS.name
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
