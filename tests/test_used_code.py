"""What a program uses of stages/, and results that are good as long as that has not changed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.program import kept_results
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


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that used two of three files; dvc has its result."""
    used = {name: CODE[name] for name in ("stages/train.py", "stages/models/used.py")}
    monkeypatch.setattr(kept_results, "used_code", lambda: used)
    kept = KeptResult(tmp_path / "run", CODE)
    kept.note_used()
    kept.finished.mkdir()
    (kept.path / "resume").mkdir()
    kept.record()
    return kept.path


def test_dvc_that_asks_again_with_the_same_code_is_forced(finished: Path) -> None:
    assert KeptResult(finished.parent, CODE).is_recorded()
    assert sorted(path.name for path in finished.iterdir()) == ["finished", "recorded.json", "used.json"]


@pytest.mark.parametrize("change", [{"stages/models/other.py": "z"}, {"stages/metrics/new.py": "n"}])
def test_a_result_is_good_whatever_happens_to_what_it_does_not_use(
    finished: Path, change: dict[str, str]
) -> None:
    kept = KeptResult(finished.parent, CODE | change)
    assert kept.path == finished
    assert not kept.is_recorded()
    kept.record()
    assert KeptResult(finished.parent, CODE | change).is_recorded()
    assert KeptResult(finished.parent, CODE).is_recorded()


def test_a_result_is_none_of_other_code_that_it_uses(finished: Path) -> None:
    kept = KeptResult(finished.parent, CODE | {"stages/models/used.py": "z"})
    assert kept.path != finished
    assert not kept.finished.exists()
    gone = {name: digest for name, digest in CODE.items() if name != "stages/models/used.py"}
    assert not KeptResult(finished.parent, gone).finished.exists()


def test_old_results_go_and_those_beyond_the_size_but_never_ones_own(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = finished.parents[1]
    others = [KeptResult(scratch / name, CODE) for name in ("old", "large", "recent")]
    for days, other in zip((40, 2, 1), others, strict=True):
        other.note_used()
        other.finished.mkdir()
        (other.finished / "best.ckpt").write_bytes(bytes(1000))
        written = time.time() - days * 86400
        os.utime(other.path / "used.json", (written, written))
    monkeypatch.setattr(kept_results, "MAX_BYTES_KEPT", 2000)
    KeptResult(finished.parent, CODE).record()
    assert [other.path.exists() for other in others] == [False, False, True]
    assert finished.exists()
