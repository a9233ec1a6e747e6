"""What a program uses of stages/, and results that are good as long as that has not changed."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.program import inputs, kept_results, used_code
from stages.program.inputs import hash_file
from stages.program.kept_results import KeptResult

ROOT = Path(__file__).parents[1]
CODE = {"stages/train.py": "a", "stages/models/used.py": "b", "stages/models/other.py": "c"}


def test_what_a_process_uses_is_what_it_loaded_and_what_that_imports() -> None:
    program = (
        "import json, stages.metrics.word_error_rate; from stages.program.used_code import used_code;"
        "print(json.dumps(used_code()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    used = json.loads(done.stdout)
    assert {"stages/__init__.py", "stages/metrics/error_rate.py", "stages/metrics/metric.py"} <= used.keys()
    assert "stages/metrics/chord_accuracy.py" not in used
    assert all(digest == hash_file(ROOT / name) for name, digest in used.items())


def test_imports_within_functions_count() -> None:
    program = (
        "import json, sys, stages.train; from stages.program.used_code import used_code;"
        "assert 'stages.callbacks.fitting' not in sys.modules; print(json.dumps(used_code()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    assert {"stages/callbacks/fitting.py", "stages/tasks/training_data.py"} <= json.loads(done.stdout).keys()


def test_imports_of_neighbours_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used_code, "PROJECT", tmp_path)
    folder = tmp_path / "stages" / "models"
    folder.mkdir(parents=True)
    for name in ("mine", "near", "above"):
        (folder / f"{name}.py").touch()
    (folder / "mine.py").write_text("def f():\n    from .near import x\n    from ..models import above\n")
    found = {path.name for path in used_code._imported_by(folder / "mine.py", 0)}
    assert found == {"near.py", "above.py"}


def kept(folder: Path, code: dict[str, str]) -> KeptResult:
    return KeptResult(folder, code, code)


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that used two of three files; dvc has its result."""
    monkeypatch.setattr(kept_results, "used_files", lambda: {"stages/train.py", "stages/models/used.py"})
    run = kept(tmp_path / "run", CODE)
    run.begin()
    run.note_used()
    run.finished.mkdir()
    (run.path / "resume").mkdir()
    run.record()
    return run.path


def test_dvc_that_asks_again_with_the_same_code_is_forced(finished: Path) -> None:
    assert kept(finished.parent, CODE).is_recorded()
    assert sorted(path.name for path in finished.iterdir()) == ["finished", "recorded.json", "used.json"]


@pytest.mark.parametrize("change", [{"stages/models/other.py": "z"}, {"stages/metrics/new.py": "n"}])
def test_a_result_is_good_whatever_happens_to_what_it_does_not_use(
    finished: Path, change: dict[str, str]
) -> None:
    run = kept(finished.parent, CODE | change)
    assert run.path == finished
    assert not run.is_recorded()
    run.record()
    assert kept(finished.parent, CODE | change).is_recorded()
    assert kept(finished.parent, CODE).is_recorded()


def test_a_result_is_none_of_other_code_that_it_uses(finished: Path) -> None:
    run = kept(finished.parent, CODE | {"stages/models/used.py": "z"})
    assert run.path != finished
    assert not run.finished.exists()
    gone = {name: digest for name, digest in CODE.items() if name != "stages/models/used.py"}
    assert not kept(finished.parent, gone).finished.exists()


def test_what_is_no_module_counts_as_used(finished: Path) -> None:
    run = kept(finished.parent, CODE | {"stages/models/scale.txt": "1"})
    run.note_used()
    assert kept(finished.parent, CODE | {"stages/models/scale.txt": "1"}).is_known
    assert not kept(finished.parent, CODE | {"stages/models/scale.txt": "2"}).is_known


def test_a_template_is_not_used_by_a_stage_that_does_not_depend_on_it(finished: Path) -> None:
    everything = CODE | {"stages/pages/champions.html": "1"}
    KeptResult(finished.parent, everything, CODE).note_used()
    edited = CODE | {"stages/pages/champions.html": "2"}
    assert KeptResult(finished.parent, edited, CODE).is_known


def test_a_file_that_is_edited_while_a_run_begins_is_named(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_results, "used_files", lambda: {"stages/train.py"})
    with pytest.raises(ValueError, match=r"stages/train\.py was edited while the stage began: run again"):
        kept(finished.parent, CODE).note_used(is_start=True)


def test_half_a_file_is_none(finished: Path) -> None:
    (finished / "used.json").write_text('{"stages/train')
    assert not kept(finished.parent, CODE).is_known


def test_old_results_go_and_those_beyond_the_size_but_never_ones_own(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = finished.parents[1]
    others = [kept(scratch / name, CODE) for name in ("old", "large", "recent")]
    for days, other in zip((40, 2, 1), others, strict=True):
        other.note_used()
        other.finished.mkdir()
        (other.finished / "best.ckpt").write_bytes(bytes(1000))
        age(other.path, days)
    begun = scratch / "an earlier version" / "resume"
    begun.mkdir(parents=True)
    age(begun, 40)
    monkeypatch.setattr(kept_results, "MAX_BYTES_KEPT", 2000)
    kept(finished.parent, CODE).record()
    assert [other.path.exists() for other in others] == [False, False, True]
    assert finished.exists()
    assert not begun.parent.exists()


def age(folder: Path, days: float) -> None:
    written = time.time() - days * 86400
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (written, written))


EDITORS_FILES = (".model.py.swp", "#model.py#", "model.py~", ".idea/model.xml")


def test_code_that_somebody_only_looks_at_has_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a stage that ends, and for DVC."""
    models = tmp_path / "stages" / "models"
    models.mkdir(parents=True)
    monkeypatch.setattr(inputs, "PACKAGE", tmp_path / "stages")
    read = inputs.Inputs([models])
    for name in EDITORS_FILES:
        (models / name).parent.mkdir(exist_ok=True)
        (models / name).touch()
    assert read.changed() == []
    (models / "model.py").touch()
    assert read.changed() == [models / "model.py"]

    shutil.copy(ROOT / ".dvcignore", tmp_path)
    for command in (["git", "init"], [sys.executable, "-m", "dvc", "init"]):
        subprocess.run([*command, "--quiet"], cwd=tmp_path, check=True)
    asked = [sys.executable, "-m", "dvc", "check-ignore", *EDITORS_FILES]
    ignored = subprocess.run(asked, cwd=models, capture_output=True, text=True, check=True).stdout
    assert len(ignored.splitlines()) == len(EDITORS_FILES)
