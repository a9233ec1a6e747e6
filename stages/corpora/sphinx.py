"""Corpora in the layout of CMU Sphinx: AN4, and others that are prepared for SphinxTrain."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from stages.corpora.corpus import Corpus, Utterance
from stages.program.printable import printable
from stages.schema.families import Split
from stages.tables.delimited import readable
from stages.tables.faults import Faults

LINE = re.compile(r"(?P<text>.*?)\s*(?<!\S)\((?P<id>\S+)\)")
# Sentence ends, silences, noises such as ++NOISE++ or [NOISE], and the "(2)" of a second pronunciation.
MARKERS = re.compile(r"<[^<>\s]+>|\+\+[^\s+]+\+\+|\[[^\[\]\s]+\]|(?<=\S)\(\d+\)")

ABSENT = (
    "put the corpus into manifest.root so that its etc/ and wav/ are there, or name its lists (files in etc/,"
    " without .fileids and .transcription) in init_args.lists"
)

Transcripts = dict[str, tuple[int, str]]


class Sphinx(Corpus):
    """``etc/LIST.fileids``, ``etc/LIST.transcription`` and ``wav/FILEID.wav``, a LIST for each split.

    The id of an utterance is its complete fileid, its speaker the folder in the fileid. A transcription
    ends in ``(fileid)`` or ``(last part of the fileid)``; its markers are removed and its case is kept.
    A fileid without transcription has an empty text, so the manifest stage rejects it.

    Lists other than that of train may be missing: the manifest stage then carves the split out of train.
    ValueError, with file and line, for a missing list of train, lines without utterance id, a second
    transcription of an id, and transcriptions that belong to no fileid or to several.
    """

    def __init__(self, lists: dict[Split, str] | None = None, audio_extension: str = ".wav") -> None:
        self.lists: dict[Split, str] = lists or {"train": "an4_train", "test": "an4_test"}
        self.audio_extension = audio_extension

    @staticmethod
    def check_arguments(audio_extension: str = ".wav", **_: object) -> None:
        if not audio_extension.startswith(".") or audio_extension == ".":
            raise ValueError(f"audio_extension must be an ending such as .wav; found {audio_extension!r}")

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        for split, name in self.lists.items():
            listing, transcription = (
                root / "etc" / f"{name}.{kind}" for kind in ("fileids", "transcription")
            )
            can_be_carved = split != "train" and "train" in self.lists
            if can_be_carved and not listing.exists() and not transcription.exists():
                message = f"{listing}: no such file, so split {split} is left to manifest.carve"
                print(printable(message), file=sys.stderr)
                continue
            fileids = [line for _, line in _lines(listing)]
            transcripts = _transcripts(transcription)
            keys = _transcript_keys(fileids, transcripts, transcription)
            for fileid in fileids:
                _, text = transcripts.get(keys[fileid], (0, ""))
                yield Utterance(
                    id=fileid,
                    audio=Path(f"wav/{fileid}{self.audio_extension}"),
                    text=text,
                    split=split,
                    speaker=Path(fileid).parent.name or None,
                )


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a file that are not blank, stripped, with their numbers."""
    with readable(path, "list", ABSENT), path.open(encoding="utf-8-sig") as lines:
        return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def _transcripts(path: Path) -> Transcripts:
    """Line number and text of every transcription, by the id at its end."""
    found: Transcripts = {}
    faults = Faults("lines", path)
    for number, line in _lines(path):
        match = LINE.fullmatch(line)
        if not match:
            faults.add(f"line {number}: no utterance id, as in 'WORDS (id)', at the end of: {line[:80]}")
        elif match["id"] in found:
            earlier, _ = found[match["id"]]
            faults.add(f"line {number}: {match['id']} already has a transcription on line {earlier}")
        else:
            found[match["id"]] = number, " ".join(MARKERS.sub(" ", match["text"]).split())
    faults.stop("correct or remove them")
    return found


def _transcript_keys(fileids: list[str], transcripts: Transcripts, path: Path) -> dict[str, str]:
    """The key of each fileid's transcription: the complete fileid, else its last part."""
    keys = {fileid: fileid if fileid in transcripts else Path(fileid).name for fileid in fileids}
    owners: dict[str, str] = {}
    unclear, unlisted = Faults("names", path), Faults("lines", path)
    for fileid, key in keys.items():
        if key in transcripts and owners.setdefault(key, fileid) != fileid:
            place = f"line {transcripts[key][0]}"
            unclear.add(f"{place}: ({key}) may belong to {owners[key]} or to {fileid}")
    unclear.stop("write the complete fileid into the brackets")
    for key, (number, _) in transcripts.items():
        if key not in owners:
            unlisted.add(f"line {number}: {key} is not in {path.with_suffix('.fileids')}")
    unlisted.stop("add them there, or remove these lines")
    return keys
