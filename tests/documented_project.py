"""Projects in which the commands of the pages run: small, and with what each page counts on."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from documented import ROOT, blocks_of
from dvc_project import Project, make_project
from ruamel.yaml import YAML

LIMIT = {"train": 24, "validation": 6, "test": 6}
SAMPLE_RATE = 16000
OURS = 30  # recordings


def light_project(folder: Path) -> None:
    """Stages that compute nothing; nothing has run."""
    make_project(folder, max_epochs=1, light=True)


def finished_project(folder: Path) -> None:
    """Small recipes and a trained model, committed; ``make`` finds the environment of the tests."""
    project = make_project(folder, max_epochs=2)
    for recipe in [folder / "params.yaml", *(folder / "flows" / "recipes").glob("*.yaml")]:
        _shrink(recipe)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    project.commit()
    project.dvc("repro")
    project.commit()


def opened(folder: Path) -> Project:
    """A copied project, whose Makefile is content with the environment as it is."""
    project = Project(folder)
    makefile = folder / "Makefile"
    rule = ".venv/installed: pyproject.toml constraints.txt\n"
    text = makefile.read_text("utf-8")
    assert rule in text
    makefile.write_text(text.partition(rule)[0] + ".venv/installed:\n\t@true\n", "utf-8")
    return project


def _shrink(recipe: Path) -> None:
    yaml = YAML()
    document: Any = yaml.load(recipe.read_text("utf-8"))
    document["train"]["trainer"]["max_epochs"] = 2
    for corpus in document["manifest"]["corpora"]:
        corpus["limit"] = LIMIT
    with recipe.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)


def _recordings(project: Project) -> None:
    """recording.wav, and one in another format in a folder."""
    (project.folder / "more").mkdir()
    for name in ("recording.wav", "more/second.flac"):
        _tone(project.folder / name, 440.0)


def _own_data(project: Project) -> None:
    """data/raw/ours, and in params.yaml what the page says of it."""
    folder = project.folder / "data" / "raw" / "ours"
    folder.mkdir()
    rows = ["path,sentence,client_id"]
    for number in range(OURS):
        _tone(folder / f"{number}.wav", 300.0 + 20 * number)
        rows.append(f"{number}.wav,{'a bad cab'[: number % 9 + 1].strip()},speaker {number}")
    (folder / "utterances.csv").write_text("\n".join(rows) + "\n", "utf-8")
    page = ROOT / "docs" / "tutorials" / "own-data.md"
    block = next(block for block in blocks_of(page) if block.language == "yaml")
    written = YAML(typ="safe", pure=True).load(block.text)["manifest"]
    project.set({f"manifest.{key}": value for key, value in written.items()})


def _kept_state(project: Project) -> None:
    project.set({"train.checkpoint.save_weights_only": False})
    project.dvc("repro")


def _hypotheses(project: Project) -> None:
    made = project.folder / "artifacts" / "evaluate" / "hypotheses.parquet"
    for name in ("champion", "candidate"):
        shutil.copy(made, project.folder / f"{name}.parquet")


def _tone(path: Path, hertz: float) -> None:
    seconds = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * seconds), SAMPLE_RATE)


PREPARED: dict[str, Callable[[Project], None]] = {
    "README.md": _recordings,
    "docs/guides/transcribing.md": _recordings,
    "docs/guides/training.md": _kept_state,
    "docs/reference/metrics.md": _hypotheses,
    "docs/tutorials/own-data.md": _own_data,
}
