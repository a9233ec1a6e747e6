"""Data directories of Kaldi recipes, also used by ESPnet, icefall and WeNet."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from stages.corpora.corpus import Corpus, Utterance
from stages.schema.families import Split
from stages.tables.delimited import readable
from stages.tables.faults import Faults

FOLDERS: dict[Split, str] = {"train": "data/train", "test": "data/test"}
ARCHIVED = re.compile(r".*\.(ark|scp):\d+(\[.*\])?")  # a place in an archive, and its range
T = TypeVar("T")


class Span(NamedTuple):
    recording: str
    offset_seconds: float = 0.0
    duration_seconds: float | None = None


class Kaldi(Corpus):
    """A data directory for each split: ``wav.scp`` (``recording file``) and ``text`` (``utterance words``),
    and optionally ``segments`` (``utterance recording begin end``, seconds; an end of -1 is that of the
    recording) and ``utt2spk`` (``utterance speaker``). A split without directory is left to manifest.carve.

    The directories and the paths in wav.scp are relative to manifest.root. Kaldi resolves these paths from
    the directory where it runs: set manifest.root to it. Absolute paths stay.

    An utterance without text, and a text, an utterance in utt2spk or a segment that is not in the other
    files, are rejected rows. ValueError, with file and line, for a file that is missing or cannot be read,
    and for entries that are not audio files: commands (``|``) are never run, archives are not read.
    """

    def __init__(self, folders: dict[Split, str] = FOLDERS) -> None:
        self.folders = folders

    @staticmethod
    def check_arguments(folders: dict[str, str] | None = None) -> None:
        if folders == {}:
            raise ValueError("folders is empty; expected, for example, {train: data/train}")
        for name in (folders or {}).values():
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise ValueError(f"folders must be in manifest.root, where DVC tracks them; found {name!r}")

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        for split, name in self.folders.items():
            yield from _data_directory(root / name, split)


def _data_directory(folder: Path, split: Split) -> Iterator[Utterance]:
    files = _lines(folder / "wav.scp", _file)
    segments = folder / "segments"
    spans = _lines(segments, _segment) if segments.exists() else {name: Span(name) for name in files}
    texts = _lines(folder / "text", _words)
    utt2spk = folder / "utt2spk"
    speakers = _lines(utt2spk, _words) if utt2spk.exists() else None
    for name in sorted(spans.keys() | texts.keys() | (speakers or {}).keys()):
        span = spans.get(name, Span(name))
        reasons = {
            "the utterance is neither in segments nor a recording in wav.scp": name not in spans,
            "the recording is not in wav.scp": span.recording not in files,
            "no line in text": name not in texts,
            "no line in utt2spk": speakers is not None and name not in speakers,
        }
        wrong = [reason for reason, holds in reasons.items() if holds]
        yield Utterance(
            id=name,
            audio=Path(files.get(span.recording, span.recording)),
            text=texts.get(name, ""),
            split=split,
            speaker=speakers.get(name) if speakers is not None else None,
            offset_seconds=span.offset_seconds,
            duration_seconds=span.duration_seconds,
            problem=(wrong[0], span.recording) if wrong else None,
        )


def _file(name: str, file: str) -> str:
    """The entry of a recording in wav.scp; ValueError if it is not a file."""
    what = ""
    if file.endswith("|") or file.startswith("|"):
        what = "a command, which is never run from data: run it yourself, once, into a wav or flac file,"
    elif file == "-" or ARCHIVED.fullmatch(file):
        what = "a place in an archive or stream, not a file: write the recording into a wav or flac file"
    elif not file:
        what = "not a file: write the recording's path behind its id"
    if what:
        raise ValueError(f"{name} is {what} and name that here; found {file[:80]!r}")
    return file


def _segment(name: str, rest: str) -> Span:
    fields = rest.split()
    try:
        recording, begin, end = fields
        offset, last = float(begin), float(end)
    except ValueError as error:
        advice = ": channels cannot be selected, write each to its own file" if len(fields) == 4 else ""
        raise ValueError(
            f"expected 'utterance recording begin end', found {f'{name} {rest}'[:80]!r}{advice}"
        ) from error
    return Span(recording, offset, None if last == -1 else last - offset)


def _words(name: str, rest: str) -> str:
    return rest


def _lines(path: Path, read: Callable[[str, str], T]) -> dict[str, T]:
    """By the first word of each line that is not blank, what ``read`` makes of that word and the rest."""
    found: dict[str, T] = {}
    faults = Faults("lines")
    with (
        readable(path, "file", "put the data directory there, or correct init_args.folders"),
        path.open(encoding="utf-8-sig") as stream,
    ):
        for number, line in enumerate(stream, 1):
            if not (words := line.split(maxsplit=1)):
                continue
            name, rest = words[0], words[1].strip() if len(words) > 1 else ""
            try:
                if name in found:
                    raise ValueError(f"{name} already has a line")
                found[name] = read(name, rest)
            except ValueError as error:
                faults.add(f"line {number}: {error}")
        faults.stop("correct or remove them")
    return found
