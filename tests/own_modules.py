"""A user's own modules in a folder of stages/, and the examples of the page on augmentation."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

PAGE = (Path(__file__).parents[1] / "docs" / "guides" / "augmentation.md").read_text(encoding="utf-8")
BLOCKS = [
    YAML(typ="safe", pure=True).load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
]
FRESH = {
    "features.frontend": BLOCKS[0]["features"]["frontend"],
    "train.frontend": BLOCKS[0]["train"]["frontend"],
}
SEVEN, STRETCHED = (block["train"]["augment"] for block in BLOCKS[1:3])
COPIES = BLOCKS[3]["features"]["copies"]
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
IN_APPLY = re.sub(
    r"    def randomize_parameters.*?\n\n", "", CODE, flags=re.DOTALL
)  # as the older examples draw
IN_APPLY = IN_APPLY.replace('self.parameters["semitones"]', "np.random.uniform(-4, 4)")
IN_APPLY = IN_APPLY.replace("import random", "import numpy as np")

WriteModule = Callable[[str, str], str]


def own_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str = "augment"
) -> Iterator[WriteModule]:
    """Writes a module into stages/<family> of a project, in which the test runs; returns its dotted path."""
    folder = tmp_path / "stages" / family
    folder.mkdir(parents=True, exist_ok=True)
    package = importlib.import_module(f"stages.{family}")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.chdir(tmp_path)
    for name in ("default", "none"):
        (tmp_path / "data" / "raw" / name).mkdir(parents=True, exist_ok=True)
    written = []

    def write(name: str, code: str) -> str:
        (folder / f"{name}.py").write_text(code)
        importlib.invalidate_caches()
        written.append(f"stages.{family}.{name}")
        return written[-1]

    yield write
    for name in written:
        sys.modules.pop(name, None)
