"""LJ Speech, and other corpora in its layout: one speaker, one list."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from stages.corpora.corpus import Corpus, Utterance
from stages.tables.delimited import readable
from stages.tables.faults import Faults

TEXT_COLUMN = {"raw": 1, "normalized": 2}
EXPECTED = "name|raw text|normalised text, or name|raw text and init_args.text: raw"


class LJSpeech(Corpus):
    """``metadata.csv``, lines of ``name|raw text|normalised text`` without header and quotes, and
    ``wavs/name.wav``, in manifest.root or one folder below it, such as LJSpeech-1.1.

    ``text`` is ``normalized`` (numbers and abbreviations written out as spoken) or ``raw``; lists with two
    columns have raw text only. The id is the name. As there is only one speaker, utterances have none, so
    manifest.carve splits by recording. A line without recording and a recording without line are rejected
    rows. ValueError, with file and line, for a list that cannot be read.
    """

    def __init__(self, text: Literal["normalized", "raw"] = "normalized") -> None:
        self.text = text

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        path = _metadata(root)
        folder = path.parent.relative_to(root)
        column = TEXT_COLUMN[self.text]
        listed: set[str] = set()
        faults = Faults("lines")
        with (
            readable(path, "list", "unpack the corpus into manifest.root"),
            path.open(encoding="utf-8-sig") as lines,
        ):
            for number, line in enumerate(lines, 1):
                cells = line.rstrip("\n").split("|")
                if column < len(cells) <= 3:
                    listed.add(cells[0])
                    yield Utterance(cells[0], Path(f"{folder}/wavs/{cells[0]}.wav"), cells[column])
                elif line.strip():
                    faults.add(f"line {number}: expected {EXPECTED}, found {line.strip()[:80]}")
            faults.stop("correct or remove them")
        for name in sorted({file.stem for file in (path.parent / "wavs").glob("*.wav")} - listed):
            problem = (f"{path.name} has no line for this recording", name)
            yield Utterance(name, Path(f"{folder}/wavs/{name}.wav"), "", problem=problem)


def _metadata(root: Path) -> Path:
    found = sorted([*root.glob("metadata.csv"), *root.glob("*/metadata.csv")])
    if len(found) > 1:
        raise ValueError(f"{root}: several lists, {', '.join(map(str, found))}; keep one corpus there")
    return found[0] if found else root / "metadata.csv"
