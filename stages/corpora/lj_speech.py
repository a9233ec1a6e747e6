"""LJ Speech, and what was recorded in its layout for speech synthesis: one speaker, one list."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from stages.corpora.corpus import Corpus, Utterance
from stages.corpora.delimited import readable

TEXT_COLUMN = {"raw": 1, "normalized": 2}


class LJSpeech(Corpus):
    """``metadata.csv``, lines of ``name|raw text|normalised text`` without header and quotes, and
    ``wavs/name.wav``, in manifest.root or one folder below it, such as LJSpeech-1.1.

    ``text`` is ``normalized`` (numbers and abbreviations written out, as they are spoken) or ``raw``; lists
    with two columns have raw text alone. The id is the name. No utterance has a speaker: there is one only,
    so manifest.carve splits by recording. ValueError, with file and line, for a list that cannot be read.
    """

    def __init__(self, text: Literal["normalized", "raw"] = "normalized") -> None:
        self.text = text

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        path = _metadata(root)
        folder = path.parent.relative_to(root)
        column = TEXT_COLUMN[self.text]
        with (
            readable(path, "list", "unpack the corpus into manifest.root"),
            path.open(encoding="utf-8-sig", newline="") as lines,
        ):
            for row in (reader := csv.reader(lines, delimiter="|", quoting=csv.QUOTE_NONE)):
                if row and not column < len(row) <= 3:
                    expected = "name|raw text|normalised text, or name|raw text and init_args.text: raw"
                    raise ValueError(
                        f"line {reader.line_num}: expected {expected}, found {'|'.join(row)[:80]}"
                    )
                if row:
                    yield Utterance(row[0], Path(f"{folder}/wavs/{row[0]}.wav"), row[column])


def _metadata(root: Path) -> Path:
    found = sorted([*root.glob("metadata.csv"), *root.glob("*/metadata.csv")])
    if len(found) > 1:
        raise ValueError(f"{root}: several lists, {', '.join(map(str, found))}; leave one corpus there")
    return found[0] if found else root / "metadata.csv"
