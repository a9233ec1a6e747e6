"""A folder in which the manifest stage runs in this process, on small recordings."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stages import manifest
from stages.corpora.corpus import Utterance
from stages.listing.admission import Admission, Admitted
from stages.listing.recordings import Recordings
from stages.listing.utterances import Utterances
from stages.preflight.reading import read_params
from stages.program.inputs import Inputs
from stages.schema.manifest_row import ManifestRow, RejectedRow
from stages.schema.params import Manifest

ROOT = Path("data/raw/corpus")
SPLITS = ("train", "validation", "test")
SAMPLE_RATE = 16000
METRICS = Path("artifacts/manifest/metrics.json")

Row = dict[str, Any]
Run = Callable[..., None]


def manifest_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_params: Callable[..., Path]) -> Run:
    """Runs the stage on the rows of a table; keywords are values under ``manifest``."""
    monkeypatch.chdir(tmp_path)
    ROOT.mkdir(parents=True)

    def run_stage(rows: list[Row], **settings: Any) -> None:
        (ROOT / "manifest.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
        corpus = {"class_path": "stages.corpora.table.Table", "init_args": {"path": "manifest.json"}}
        values = {"root": str(ROOT), "corpora": [corpus], "max_rejected": 0.5, **settings}
        params = read_params(write_params({f"manifest.{key}": value for key, value in values.items()}))
        manifest.run(params, Inputs([]))

    return run_stage


def judged(
    utterances: list[Utterance], settings: Manifest, root: Path, folder: Path
) -> tuple[dict[str, list[ManifestRow]], list[RejectedRow]]:
    """Rows of every split, and what is rejected, of utterances as a corpus gives them."""
    found = Utterances()
    found.take(list(utterances))
    splits: dict[str, list[ManifestRow]] = {split: [] for split in settings.splits}
    rejected = []
    for fate in Admission(found, Recordings(found, root), settings, root, folder).judge():
        if isinstance(fate, Admitted):
            splits[fate.split].append(fate.row)
        else:
            rejected.append(fate.row)
    return splits, rejected


def recorded(name: str, text: str = "GO", seconds: float = 0.2, **more: Any) -> Row:
    """A row, and its recording: noise that only this name has."""
    noise = np.random.default_rng([*name.encode()]).normal(0.0, 0.1, int(seconds * SAMPLE_RATE))
    soundfile.write(ROOT / name, noise, SAMPLE_RATE)
    return {"audio_filepath": name, "text": text, **more}


def one_in_each_split() -> list[Row]:
    return [recorded(f"{split}.wav", split=split, speaker=f"speaker of {split}") for split in SPLITS]


def rows_of(split: str) -> list[Row]:
    return [json.loads(line) for line in Path(f"data/manifest/{split}.json").read_text().splitlines()]


def metrics() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(METRICS.read_text())
    return found


def page() -> str:
    """The report's text, section by section, without its markup."""
    return re.sub(r"<[^>]*>", " ", Path("data/manifest/report.html").read_text(encoding="utf-8"))


def written(name: str, samples: Any, sample_rate: int = 16000, **how: Any) -> Row:
    soundfile.write(ROOT / name, samples, sample_rate, **how)
    return {"audio_filepath": name, "text": "GO", "split": "train"}
