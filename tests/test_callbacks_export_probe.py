"""A training checks before its first epoch whether its model can be exported."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_modules import WriteModule, own_modules
from params_document import vouch_with_own_code
from training_project import Project, training_project

from stages.callbacks import export_probe
from stages.program.inputs import hash_file

ROOT = Path(__file__).parents[1]
TEXTBOOK = """
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from stages.models.encoder import Encoder
from stages.schema.quantities import PositiveInt


class Textbook(Encoder):
    def __init__(self, num_features: PositiveInt = 80, hidden_size: PositiveInt = 16) -> None:
        super().__init__()
        self.output_size = 2 * hidden_size
        self.lstm = nn.LSTM(num_features, hidden_size, batch_first=True, bidirectional=True)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        packed = pack_padded_sequence(features, lengths.cpu(), batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return hidden, lengths
"""


@pytest.fixture(autouse=True)
def _switched_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(export_probe.SWITCH)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


@pytest.fixture
def own(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteModule]:
    """Write modules into stages/models of a project with a copy of the code."""
    shutil.copytree(ROOT / "stages", project.folder / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    yield from own_modules(project.folder, monkeypatch, "models")


def run_as_a_program(project: Project) -> "subprocess.CompletedProcess[str]":
    """The train stage alone, with the project's own code."""
    command = [sys.executable, "-m", "stages.train"]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)


def test_a_packed_lstm_is_refused_before_the_first_epoch_and_trains_where_nothing_is_exported(
    project: Project, own: WriteModule
) -> None:
    module = own("textbook", TEXTBOOK)
    project.set({"train.task.init_args.encoder": {"class_path": f"{module}.Textbook"}})
    vouch_with_own_code(project.folder)
    done = run_as_a_program(project)
    assert done.returncode == 1
    assert "epoch" not in done.stdout
    assert "Traceback" not in done.stderr
    said = done.stderr.splitlines()[-1]
    assert said.startswith(
        "train: export.formats: stages.formats.onnx_bundle.OnnxBundle cannot write this model:"
        " stages.models.textbook.Textbook packs its sequences (pack_padded_sequence), which cannot be"
        " exported; use Recurrent, in stages/models/recurrent.py,"
    )
    assert "set export.formats to []" in said
    log = Path(said.partition("complete output: ")[2].removesuffix(")"))
    assert "torch.onnx" in log.read_text()

    before = log.stat().st_mtime_ns
    project.set({"export.formats": []})
    vouch_with_own_code(project.folder)
    done = run_as_a_program(project)
    assert "warning: this model cannot be exported later. stages.formats" in done.stdout
    assert log.stat().st_mtime_ns == before, "the answer was known"
    assert (project.folder / "artifacts" / "train" / "best.ckpt").exists()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The verdicts for which trials started."""
    verdicts: list[Path] = []
    monkeypatch.setattr(export_probe, "_begin", lambda verdict, _: verdicts.append(verdict))
    return verdicts


def start(**changes: Any) -> export_probe.ExportProbe:
    return export_probe.start("{}", changes.get("formats", [export_probe.USUAL]))


def write_verdict(path: Path, reason: str, code: Path) -> None:
    path.write_text(json.dumps({"reason": reason, "code": {str(code): hash_file(code)}}))


def test_what_was_found_is_remembered_until_the_code_changes(begun: list[Path], tmp_path: Path) -> None:
    start()
    module = tmp_path / "model.py"
    module.write_text("a = 1")
    write_verdict(begun[0], "it cannot", module)
    with pytest.raises(ValueError, match=r"export\.formats: it cannot\. To train it without an export, set"):
        start().join()
    assert len(begun) == 1
    module.write_text("a = 2")
    start()
    assert len(begun) == 2


def test_no_format_at_all_is_tried_with_the_usual_one(
    begun: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start()
    write_verdict(begun[0], "it cannot", Path(__file__))
    start(formats=[]).join()
    assert len(begun) == 1
    assert capsys.readouterr().out.startswith("warning: this model cannot be exported later. it cannot (")


def test_a_trial_that_ends_early_stops_no_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(export_probe, "TRIAL", "stages.formats.no_such_module")
    start().join()
    said = capsys.readouterr().out
    assert said.startswith("warning: could not check whether this model can be exported")
    assert "no_such_module" in next(tmp_path.glob(".scratch/export/*.log")).read_text()


@pytest.mark.parametrize(
    ("name", "value"), [(export_probe.SWITCH, "0"), ("LOCAL_RANK", "1"), ("SLURM_LOCALID", "1")]
)
def test_it_can_be_switched_off_and_is_the_first_process_s_alone(
    begun: list[Path], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    start().join()
    assert not begun
