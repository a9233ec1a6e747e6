"""The command that transcribes: a line for each sound file; what cannot be read is named and left out."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from export_project import SAMPLE_RATE, exported_once

from stages.commands import transcribe as command
from stages.formats.runtime import Runtime

ROOT = Path(__file__).parents[1]
Samples = np.ndarray[Any, np.dtype[np.float32]]
Transcribe = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export."""
    folder = tmp_path_factory.mktemp("project")
    return shutil.copytree(exported_once("SimpleCTC").project, folder, dirs_exist_ok=True)


@pytest.fixture
def transcribe(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Transcribe:
    """Runs the command in the project; its exit code, and the lines of stdout and stderr."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(command, "behave_as_a_unix_tool", lambda: None)  # signals here are pytest's

    def run(*arguments: object) -> tuple[int, list[str], list[str]]:
        code = 0
        try:
            command.main(list(map(str, arguments)))
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
            print(error.code, file=sys.stderr)
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run


@pytest.fixture
def samples() -> Samples:
    """A second of noise, in whole numbers of 16 bits."""
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, SAMPLE_RATE)
    return np.asarray(np.rint(noise * 2**15) / 2**15, np.float32)


@pytest.fixture
def text(project: Path, samples: Samples) -> str:
    """What the model hears in them."""
    found = Runtime(project / "artifacts" / "export").recognise(samples).text
    assert len(found) > 3
    return found


def test_a_file_is_a_line_with_its_name_and_text(
    transcribe: Transcribe, tmp_path: Path, samples: Samples, text: str
) -> None:
    path = tmp_path / "as it was named.wav"
    soundfile.write(path, samples, SAMPLE_RATE)
    assert transcribe(path) == (0, [f"{path}\t{text}"], [])


def test_containers_and_channels_do_not_matter(
    transcribe: Transcribe, tmp_path: Path, samples: Samples, text: str
) -> None:
    stereo = np.stack([samples * 2, np.zeros_like(samples)], axis=1)  # of which the mean is taken
    soundfile.write(tmp_path / "a.flac", stereo, SAMPLE_RATE)
    soundfile.write(tmp_path / "b.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "c.aiff", samples, SAMPLE_RATE)
    paths = sorted(tmp_path.iterdir())
    code, lines, progress = transcribe(*paths)
    assert (code, lines) == (0, [f"{path}\t{text}" for path in paths])
    assert progress == [f"{number}/3 {path}" for number, path in enumerate(paths, 1)]


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.ogg"])
def test_other_rates_are_resampled_as_for_training(
    transcribe: Transcribe, tmp_path: Path, samples: Samples, name: str, project: Path
) -> None:
    soundfile.write(tmp_path / name, soxr.resample(samples, SAMPLE_RATE, 44100), 44100)
    decoded, _ = soundfile.read(tmp_path / name, dtype="float32")
    resampled = soxr.resample(decoded, 44100, SAMPLE_RATE)
    expected = Runtime(project / "artifacts" / "export").recognise(resampled).text
    assert transcribe(tmp_path / name)[1] == [f"{tmp_path / name}\t{expected}"]


def test_json_has_seconds_and_confidence(
    transcribe: Transcribe, tmp_path: Path, samples: Samples, text: str
) -> None:
    path = tmp_path / "caf\u00e9.wav"
    soundfile.write(path, samples[: SAMPLE_RATE // 2], SAMPLE_RATE)
    _, (line,), _ = transcribe("--json", path)
    found = json.loads(line)
    assert (found["path"], found["seconds"]) == (str(path), 0.5)
    assert found["text"] == transcribe(path)[1][0].partition("\t")[2]
    assert 0.0 < found["confidence"] < 1.0


def garbage(folder: Path, samples: Samples) -> dict[str, str]:
    """Files that are no sound recordings, and why."""
    spoilt = samples.copy()
    spoilt[77] = np.nan
    soundfile.write(folder / "nan.wav", spoilt, SAMPLE_RATE, subtype="FLOAT")
    soundfile.write(folder / "loud.wav", samples * 1e30, SAMPLE_RATE, subtype="FLOAT")
    soundfile.write(folder / "whole.wav", samples, SAMPLE_RATE)
    (folder / "cut.wav").write_bytes((folder / "whole.wav").read_bytes()[:9000])
    soundfile.write(folder / "none.wav", samples[:0], SAMPLE_RATE)
    soundfile.write(folder / "instant.wav", samples[:1], 48000)
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("hello")
    (folder / "folder.wav").mkdir()
    return {
        "nan.wav": "NaN or infinite samples",
        "loud.wav": "the model gives NaN",
        "cut.wav": "truncated",
        "none.wav": "no samples",
        "instant.wav": "shorter than one sample at 8000 Hz",
        "empty.wav": "the file is empty",
        "text.wav": "not readable as audio",
        "folder.wav": "not a regular file",
        "missing.wav": "No such file",
    }


def test_what_cannot_be_read_is_named_with_its_reason_and_the_others_go_on(
    transcribe: Transcribe, tmp_path: Path, samples: Samples, text: str
) -> None:
    reasons = garbage(tmp_path, samples)
    code, lines, messages = transcribe(*(tmp_path / name for name in reasons), tmp_path / "whole.wav")
    assert (code, lines) == (1, [f"{tmp_path / 'whole.wav'}\t{text}"])
    found = [message for message in messages if message.startswith("transcribe:")]
    assert found.pop() == "transcribe: 9 of 10 files failed"
    for message, (name, reason) in zip(found, reasons.items(), strict=True):
        assert message.startswith(f"transcribe: {tmp_path / name}: ")
        assert reason in message


def test_without_a_bundle_nothing_is_read(transcribe: Transcribe, tmp_path: Path) -> None:
    code, lines, messages = transcribe("--bundle", tmp_path, "a.wav", "b.wav")
    assert (code, lines) == (1, [])
    assert len(messages) == 1
    assert messages[0].startswith(f"transcribe: {tmp_path / 'card.json'}: No such file")


WITHOUT = """
import runpy, sys
for name in {absent!r}:
    sys.modules[name] = None  # importing it is an ImportError
sys.argv[1:] = {arguments!r}
try:
    runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
finally:
    loaded = {{name.partition(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names)
    print(*sorted(name for name in loaded if sys.modules.get(name)), file=sys.stderr)
"""
ABSENT = (
    "torch", "torchaudio", "lightning", "dvc", "prefect", "onnx", "onnxscript", "pandas", "pyarrow",
    "pydantic", "rich", "sentencepiece", "ruamel", "joblib", "annotated_types",
)  # fmt: skip


@pytest.mark.parametrize(
    ("module", "before"),
    [
        ("stages.commands", ["transcribe"]),
        ("stages.commands.transcribe", []),
        ("stages.formats.transcribe", []),
    ],
)
def test_it_needs_neither_torch_nor_dvc_nor_what_the_stages_need(
    project: Path, tmp_path: Path, samples: Samples, text: str, module: str, before: list[str]
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, SAMPLE_RATE)
    script = WITHOUT.format(absent=ABSENT, module=module, arguments=[*before, str(path)])
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert done.stdout == f"{path}\t{text}\n"
    loaded = set(done.stderr.split())
    assert {"numpy", "onnxruntime", "soundfile", "soxr", "stages"} <= loaded
    assert not loaded & set(ABSENT)
