"""LibriSpeech: audiobooks, a folder for each speaker and chapter."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from stages.corpora.corpus import Corpus, Utterance
from stages.schema.families import Split
from stages.tables.delimited import readable
from stages.tables.faults import Faults

SUBSETS: dict[Split, list[str]] = {
    "train": ["train-clean-100"],
    "validation": ["dev-clean"],
    "test": ["test-clean"],
}
Lines = dict[str, str]


class LibriSpeech(Corpus):
    """``SUBSET/SPEAKER/CHAPTER/``, with ``SPEAKER-CHAPTER.trans.txt`` (``SPEAKER-CHAPTER-NUMBER WORDS``) and
    a FLAC for each of its lines, in manifest.root or its folder LibriSpeech. ``subsets`` names the subsets of
    each split; a split without any is left to manifest.carve.

    The id of an utterance is that of its line. A line without recording and a recording without line are
    rejected rows. ValueError, with file and line, for a subset that is missing or empty, and for a line or
    file that cannot be read.
    """

    def __init__(self, subsets: dict[Split, list[str]] = SUBSETS, audio_extension: str = ".flac") -> None:
        self.subsets = subsets
        self.audio_extension = audio_extension

    @staticmethod
    def check_arguments(
        subsets: dict[str, Sequence[str]] | None = None, audio_extension: str = ".flac"
    ) -> None:
        if subsets is not None and not any(subsets.values()):
            raise ValueError("subsets is empty; expected, for example, {train: [train-clean-100]}")
        for name in (name for names in (subsets or {}).values() for name in names):
            if Path(name).name != name:
                raise ValueError(f"subsets must name folders, such as train-clean-100; found {name!r}")
        if not audio_extension.startswith(".") or audio_extension == ".":
            raise ValueError(f"audio_extension must be an ending such as .flac; found {audio_extension!r}")

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        above = root / "LibriSpeech" if (root / "LibriSpeech").is_dir() else root
        for split, subsets in self.subsets.items():
            for subset in subsets:
                chapters = sorted((above / subset).glob("*/*/"))
                if not chapters:
                    raise ValueError(
                        f"{above / subset}: no folders SPEAKER/CHAPTER here; unpack the subset into"
                        " manifest.root, or correct init_args.subsets"
                    )
                for chapter in chapters:
                    yield from self._chapter(chapter, split, root)

    def _chapter(self, chapter: Path, split: Split, root: Path) -> Iterator[Utterance]:
        speaker = chapter.parent.name
        lines = _lines(chapter / f"{speaker}-{chapter.name}.trans.txt")
        recorded = {path.stem for path in chapter.glob(f"*{self.audio_extension}")}
        for name in sorted(lines.keys() | recorded):
            problem = None if name in lines else ("the transcripts have no line for this recording", name)
            yield Utterance(
                id=name,
                audio=chapter.relative_to(root) / f"{name}{self.audio_extension}",
                text=lines.get(name, ""),
                split=split,
                speaker=speaker,
                problem=problem,
            )


def _lines(path: Path) -> Lines:
    found: Lines = {}
    faults = Faults("lines")
    with (
        readable(path, "list of transcripts", "put that of the chapter there"),
        path.open(encoding="utf-8-sig") as stream,
    ):
        for number, line in enumerate(stream, 1):
            name, text = (*line.split(maxsplit=1), "", "")[:2]
            if name in found:
                faults.add(f"line {number}: {name} already has a line")
            elif name:
                found[name] = text.strip()
        faults.stop("remove them, or correct the names")
    return found
