"""A folder in which the features stage runs in this process, on small recordings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stages import features
from stages.audio.inspection import inspect_recording
from stages.frontends.log_mel import LogMel
from stages.preflight.reading import read_params
from stages.program.inputs import Inputs
from stages.schema.manifest_row import ManifestRow, write_rows

MANIFEST, OUTPUT = Path("data/manifest"), Path("data/features")
SCRATCH = Path(".scratch/features")
WAVEFORM = {"class_path": "stages.frontends.waveform.Waveform"}
LOG_MEL = {"class_path": "stages.frontends.log_mel.LogMel", "init_args": {"num_mels": 8}}
COPIES = [
    {"class_path": "stages.augment.speed.Speed", "init_args": {"factor": factor}} for factor in (0.5, 2.0)
]

Samples = np.ndarray[Any, np.dtype[np.float32]]
Row = dict[str, Any]
Extract = Callable[..., None]


def features_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_params: Callable[..., Path]
) -> Extract:
    """Runs the stage on training rows; keywords are values under ``features``, waveforms the default."""
    monkeypatch.chdir(tmp_path)
    MANIFEST.mkdir(parents=True)

    def run_stage(rows: list[ManifestRow], **settings: Any) -> None:
        write_rows(MANIFEST / "train.json", rows)
        for split in ("validation", "test"):
            write_rows(MANIFEST / f"{split}.json", [recorded(split, tone(800))])
        values = {"frontend": WAVEFORM, **settings}
        changes = {f"features.{key}": value for key, value in values.items()}
        changes["train.frontend"] = LOG_MEL if values["frontend"] == WAVEFORM else None
        params = read_params(write_params(changes))
        features.run(params, Inputs([]))

    return run_stage


def tone(num_samples: int, hertz: float = 440.0, sample_rate: int = 16000) -> Samples:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(num_samples) / sample_rate)).astype(np.float32)


def recorded(name: str, samples: Samples, sample_rate: int = 16000, **more: Any) -> ManifestRow:
    """A row, and its recording beside the manifest."""
    path = MANIFEST / f"{name}.wav"
    soundfile.write(path, samples, sample_rate, subtype="PCM_16")
    found = inspect_recording(path)
    values = {"duration": found.duration_seconds, "text": "GO", **more}
    return ManifestRow(id=name, audio_filepath=path.name, audio_sha256=found.sha256, **values)


def five_tones() -> list[ManifestRow]:
    return [recorded(f"tone-{number}", tone(1600, 300.0 + 50 * number)) for number in range(5)]


def give_everywhere(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on LogMel gives one value in every frame."""
    monkeypatch.setattr(
        LogMel, "forward", lambda _, waveforms, lengths: (waveforms[..., None] * 0 + value, lengths)
    )
