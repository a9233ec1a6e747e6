"""A project with recordings of its own in a table, and a drop folder for new ones, for tests."""

import csv
import re
from pathlib import Path

from dvc_project import Project, make_project

from stages.corpora.tones import Tones

ROOT = Path("data/raw/own")


def make_recorded_project(folder: Path) -> Project:
    """With light stages and very few recordings, so that more of them make a better model."""
    made = make_project(folder, max_epochs=6, light=True)
    record(made.folder / ROOT, "old", Tones(num_train=24, num_validation=16, num_test=48))
    table = {"class_path": "stages.corpora.table.Table", "init_args": {"path": "*.csv"}}
    made.set({"manifest.root": str(ROOT), "manifest.corpora": [table], "export.formats": []})
    made.dvc("add", "-q", str(ROOT))
    made.commit()
    (made.folder / "drop").mkdir()
    return made


def record(folder: Path, name: str, corpus: Tones, seed: int = 0) -> None:
    """Recordings, and a table of them that gives every row its split."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for utterance in corpus.utterances(folder, folder, seed):
        audio = folder / f"{name}-{utterance.audio.name}"
        values = [audio.name, utterance.text, f"{name}-{utterance.id}", f"{name}-{utterance.speaker}"]
        rows.append([*values, utterance.split, utterance.offset_seconds, utterance.duration_seconds])
    for audio in list(folder.glob("*.flac")):
        if not re.match("old-|new-|odd-", audio.name):
            audio.rename(folder / f"{name}-{audio.name}")
    with (folder / f"{name}.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["audio_filepath", "text", "id", "speaker", "split", "offset", "duration"])
        writer.writerows(rows)
