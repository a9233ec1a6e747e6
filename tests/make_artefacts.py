"""Make the projects of a folder of tests/artefacts: python tests/make_artefacts.py tests/artefacts/VERSION

Where a params.yaml lies, what its stages make is put beside it, as far as tests/test_artefacts.py needs it.
"""

import contextlib
import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from artefacts_project import NUM_EPOCHS, RECORDING, STATE, copied, going_on, log_probs, scores, transcript

from stages import export, features, manifest, train

KEPT = (
    "data/features/train/index.parquet", "data/features/test/*", "artifacts/export/*",
    "artifacts/train/best.ckpt", "artifacts/train/history.csv", "artifacts/train/params.yaml",
    "artifacts/train/tokens.json", RECORDING, "log_probs.npy", "expected.json",
)  # fmt: skip
KEPT_TO_TRAIN = ("data/manifest/*.json", "data/manifest/audio/*/*", "data/features/*/*", str(STATE))


def make(kept: Path) -> None:
    """Only a training that kept its state can go on: its manifests and all of its features are kept too."""
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        project = copied(kept, Path(folder))
        for stage in (manifest, features, train, export):
            project.run(stage)
        _record()
        np.save("log_probs.npy", log_probs())
        expected = {**scores(project), "transcript": transcript()}
        if trainable := STATE.exists():
            _copy(KEPT_TO_TRAIN, kept)
        _copy(KEPT, kept)
        if trainable:
            later = going_on(project)[-NUM_EPOCHS:]
            expected["val_losses_going_on"] = [float(row["val_loss"]) for row in later]
        (kept / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


def _record() -> None:
    """The longest utterance of the test split, as a file of its own."""
    rows = map(json.loads, Path("data/manifest/test.json").read_text().splitlines())
    row = max(rows, key=lambda row: row["duration"])
    path = Path("data/manifest", row["audio_filepath"])
    rate = soundfile.info(path).samplerate
    first, count = round((row["offset"] or 0) * rate), round(row["duration"] * rate)
    samples, _ = soundfile.read(path, count, first, dtype="int16")
    soundfile.write(RECORDING, samples, rate)


def _copy(patterns: tuple[str, ...], kept: Path) -> None:
    for path in (path for pattern in patterns for path in Path().glob(pattern)):
        (kept / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, kept / path)


if __name__ == "__main__":
    for params in sorted(Path(sys.argv[1]).absolute().glob("*/params.yaml")):
        make(params.parent)
