"""Every format of stages/formats: what stages/formats/format.py promises."""

import sys
from pathlib import Path

import pytest
import torch
from export_project import SYSTEMS
from family import classes_of, part_of
from pydantic import TypeAdapter

from stages import export
from stages.formats.format import Format
from stages.formats.lightning_checkpoint import LightningCheckpoint
from stages.formats.onnx_bundle import OnnxBundle
from stages.schema.families import FormatPart

FORMATS = classes_of(Format)
RECIPE = SYSTEMS["SimpleCTC"]


def test_the_formats_are_found() -> None:
    assert {OnnxBundle, LightningCheckpoint} <= set(FORMATS)


@pytest.mark.parametrize("cls", FORMATS)
def test_the_same_weights_give_the_same_files_without_a_trace_of_this_machine(
    cls: type[Format], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    task = RECIPE.build().eval()
    before = {name: value.clone() for name, value in task.state_dict().items()}
    written: list[dict[str, bytes]] = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        format_: Format = TypeAdapter(FormatPart).validate_python(part_of(cls).model_dump()).build()
        format_.write(RECIPE, task, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        written.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert written[0]
    assert written[0] == written[1]
    for trace in (str(tmp_path), str(Path(export.__file__).parents[1]), sys.prefix):
        assert not [name for name, content in written[0].items() if trace.encode() in content]
    assert all(value.equal(before[name]) for name, value in task.state_dict().items())
    assert not task.training
