"""Releases of Common Voice: lists of clips in TSV, and the clips in MP3."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from stages.corpora.corpus import Corpus, Utterance
from stages.schema.families import Split
from stages.tables.delimited import TAB_SEPARATED, delimited_columns

Destination = Literal["train", "validation", "test", "carve"]

OFFICIAL: dict[Destination, list[str]] = {"train": ["train"], "validation": ["dev"], "test": ["test"]}
COLUMNS = ("client_id", "path", "sentence", "locale?")
HELD_OUT: tuple[Split, Split] = ("validation", "test")


class Clip(NamedTuple):
    speaker: str
    name: str
    sentence: str
    locale: str
    place: str


class CommonVoice(Corpus):
    """A release, or some of its folders: ``LOCALE/{train,dev,test,validated,...}.tsv`` and ``LOCALE/clips``,
    in manifest.root or up to two folders below it. ``locale`` chooses among several.

    ``lists`` names the lists of each split, without ``.tsv``. The official ones share no speakers, but train
    has each sentence once, and so little data for most languages: ``train: [validated]`` takes all clips
    that listeners confirmed, and ``carve: [validated]`` leaves the splits to manifest.carve, by speaker.
    Lists of train and carve are read without the clips whose speaker is in a list of validation or test;
    stderr shows their number. A clip in several lists of train and carve is taken once, from the first.
    ``invalidated`` (rejected by listeners) and ``other`` (too few listeners) are read only if named.

    The id is the name of the clip, the speaker its client_id, the language its locale. Quotes are part of a
    sentence. ValueError, with file and row, for a list that cannot be read, and if no folder or more than
    one has the lists.
    """

    def __init__(self, locale: str | None = None, lists: dict[Destination, list[str]] = OFFICIAL) -> None:
        self.locale = locale
        self.lists = lists

    @staticmethod
    def check_arguments(locale: str | None = None, lists: dict[str, list[str]] | None = None) -> None:
        if lists is not None and not any(lists.values()):
            raise ValueError("lists names no list, such as {train: [validated]}")
        for name in (name for names in (lists or {}).values() for name in names):
            if Path(name).name != name or name.endswith(".tsv"):
                raise ValueError(f"lists must name files without .tsv, such as validated; found {name!r}")

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        folder = self._folder(root)
        place = folder.relative_to(root)
        speakers: set[str] = set()
        for split in HELD_OUT:
            for name in self.lists.get(split, ()):
                for clip in _clips(folder, name):
                    speakers |= {clip.speaker} - {""}
                    yield _utterance(clip, split, place)
        taken: set[str] = set()
        learned: tuple[tuple[Destination, Split | None], ...] = (("train", "train"), ("carve", None))
        lists = [(name, split) for key, split in learned for name in self.lists.get(key, ())]
        for number, (name, own_split) in enumerate(lists):
            left_out = 0
            for clip in _clips(folder, name):
                if clip.speaker in speakers:
                    left_out += 1
                elif clip.name not in taken:
                    if number + 1 < len(lists):
                        taken.add(clip.name)
                    yield _utterance(clip, own_split, place)
            _print_left_out(folder / f"{name}.tsv", left_out)

    def _folder(self, root: Path) -> Path:
        """The folder that has all lists, of the requested locale."""
        names = [f"{name}.tsv" for names in self.lists.values() for name in names]
        near = sorted(path.parent for depth in ("", "*/", "*/*/") for path in root.glob(depth + names[0]))
        fit = [
            folder
            for folder in near
            if all((folder / name).is_file() for name in names) and self.locale in (None, folder.name)
        ]
        if len(fit) == 1:
            return fit[0]
        wanted = f"{root / '**' / (self.locale or 'LOCALE')}: "
        if fit:
            choices = ", ".join(map(str, fit))
            raise ValueError(f"{wanted}several folders have the lists: {choices}; set init_args.locale")
        others = f"; there are {', '.join(map(str, near))}" if near else ""
        raise ValueError(
            f"{wanted}no folder has {', '.join(names)}{others}. Unpack the release into manifest.root, or"
            " correct init_args.locale and init_args.lists"
        )


def _clips(folder: Path, name: str) -> Iterator[Clip]:
    path = folder / f"{name}.tsv"
    rows = delimited_columns(path, COLUMNS, "correct init_args.lists", **TAB_SEPARATED)
    for number, (speaker, clip, sentence, locale) in enumerate(rows, 1):
        yield Clip(speaker, clip.strip(), sentence, locale or folder.name, f"{path.name}, row {number}")


def _utterance(clip: Clip, split: Split | None, folder: Path) -> Utterance:
    # The first releases name clips without their ending.
    file = Path(clip.name if clip.name.lower().endswith(".mp3") else f"{clip.name}.mp3")
    return Utterance(
        id=file.stem if clip.name else clip.place,
        audio=Path(f"{folder}/clips/{file}") if clip.name else Path(),
        text=clip.sentence,
        split=split,
        speaker=clip.speaker or None,
        language=clip.locale,
    )


def _print_left_out(path: Path, count: int) -> None:
    if count:
        print(
            f"{path}: left out {count} clips of speakers in the lists of validation and test",
            file=sys.stderr,
        )
