"""A folder of recordings with transcripts next to them, or in one table of the folder."""

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.corpora.corpus import Corpus, Utterance
from stages.schema.families import Split
from stages.schema.quantities import Probability
from stages.tables.faults import Faults
from stages.tables.table_file import read_table

EXTENSIONS = [".wav", ".flac", ".mp3", ".ogg", ".opus", ".sph", ".aiff"]
SIDECARS = [".txt", ".lab"]
COLUMNS = ("file_name", "transcription")


class AudioFolder(Corpus):
    """Every recording below ``folder``, including sub-folders, whose file name ends in one of
    ``allowed_extensions`` (in any case). Its transcript is ``a.txt``, else ``a.lab``, next to ``a.wav``. Or
    the transcripts are in ``metadata``, a table in ``folder`` (CSV, TSV, JSON lines, Parquet) with the
    columns ``file_name``, relative to the folder of the table, with slashes or backslashes, and
    ``transcription``; Table reads tables with more columns. Names that differ only in the encoding of
    accents, as in archives from a Mac, belong together.

    With ``language``, the recordings are those below ``folder/language``, in that language. Those below
    ``test_folder`` (and its language folder), with their own ``metadata``, are only in split test, even
    if it is in ``folder``. ``validation_split`` is the fraction of the others that goes to validation,
    instead of manifest.carve's: by a hash of the speaker, or of the path without one, so that new recordings
    do not move old ones. With ``speaker_from_folder``, the speaker is the sub-folder of a recording.

    Paths are relative to manifest.root; the id is the path from there. A recording without transcript, a
    transcript without recording, and a second recording of a transcript are rejected rows. ValueError for a
    folder that is missing or has no recordings, and for a table that cannot be read.
    """

    def __init__(
        self,
        folder: str = ".",
        language: str | None = None,
        test_folder: str | None = None,
        validation_split: Probability = 0.0,
        allowed_extensions: list[str] = EXTENSIONS,
        sidecar_extensions: list[str] = SIDECARS,
        metadata: str | None = None,
        speaker_from_folder: bool = False,
    ) -> None:
        self.folder = folder
        self.language = language
        self.test_folder = test_folder
        self.carve = {"validation": validation_split} if validation_split else {}
        self.extensions = _endings(allowed_extensions)
        self.sidecars = _endings(sidecar_extensions)
        self.metadata = metadata
        self.speaker_from_folder = speaker_from_folder

    @staticmethod
    def check_arguments(
        folder: str = ".", language: str | None = None, test_folder: str | None = None,
        metadata: str | None = None, allowed_extensions: Sequence[str] = EXTENSIONS,
        sidecar_extensions: Sequence[str] = SIDECARS, **_: object,
    ) -> None:  # fmt: skip
        names = {"folder": folder, "language": language, "test_folder": test_folder, "metadata": metadata}
        for key, name in names.items():
            if name is not None and (Path(name).is_absolute() or ".." in Path(name).parts):
                raise ValueError(f"{key} must be in manifest.root, where DVC tracks it; found {name!r}")
        if test_folder is not None and Path(folder).is_relative_to(test_folder):
            raise ValueError(f"folder {folder!r} is in test_folder {test_folder!r}: all would be test")
        for key, endings in {"allowed": allowed_extensions, "sidecar": sidecar_extensions}.items():
            if not all(ending.strip(".") for ending in endings) or not endings:
                raise ValueError(f"{key}_extensions must be endings such as .wav; found {list(endings)}")

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        below = self.language or "."
        test = None if self.test_folder is None else root / self.test_folder / below
        yield from self._split(root, root / self.folder / below, None, test)
        if test:
            yield from self._split(root, test, "test", None)

    def _split(self, root: Path, top: Path, split: Split | None, apart: Path | None) -> Iterator[Utterance]:
        """The utterances of a folder, except those in the folder ``apart``."""
        table = _table(top / self.metadata) if self.metadata else None
        table_spellings = _spellings(table or ())
        num_recordings = 0
        for name, folders, files in os.walk(top):
            folder = Path(name)
            folders[:] = sorted(inner for inner in folders if folder / inner != apart)
            recordings = sorted(file for file in files if file.lower().endswith(self.extensions))
            num_recordings += len(recordings)
            texts: dict[str, Any] = self._beside(name, files) if table is None else table
            spellings = _spellings(texts) if table is None else table_spellings
            keys = {file: self._key(name, file, table is not None) for file in recordings}
            # First those whose name matches a transcript exactly.
            for file in sorted(recordings, key=lambda file: keys[file] not in texts):
                key = keys[file]
                if key not in texts:
                    other = spellings.get(_composed(key), _composed(key))
                    is_another = table is not None and os.path.exists(other)  # noqa: PTH110
                    key = key if is_another else other
                speaker = folder.name if self.speaker_from_folder and folder != top else None
                yield self._utterance(folder / file, texts.pop(key, None), root, split, speaker)
            if table is None:
                yield from _unspoken(texts.values(), root, "no recording has this transcript")
        if not num_recordings:
            endings = ", ".join(self.extensions)
            raise ValueError(
                f"{top}: no such folder, or no recording in it ({endings}); put them there, or correct"
                " init_args"
            )
        yield from _unspoken(table or (), root, "no such recording, or one of another split or ending")

    def _key(self, folder: str, file: str, in_table: bool) -> str:
        """The key of a recording's transcript."""
        if in_table:
            return os.path.normpath(f"{folder}/{file}")
        return f"{folder}/{_stem(file, self.extensions)}"

    def _beside(self, folder: str, files: list[str]) -> dict[str, Path]:
        """The transcripts in a folder, by path of the recording without ending; the first ending counts."""
        found: dict[str, Path] = {}
        for ending in self.sidecars:
            for file in sorted(files):
                if file.lower().endswith(ending):
                    found.setdefault(f"{folder}/{_stem(file, (ending,))}", Path(folder, file))
        return found

    def _utterance(
        self, path: Path, source: Path | str | None, root: Path, split: Split | None, speaker: str | None
    ) -> Utterance:
        text, problem = "", None
        try:
            text = _text(source) if isinstance(source, Path) else source or ""
        except (OSError, ValueError) as error:
            problem = ("the transcript cannot be read", f"{source}: {error}")
        if source is None:
            problem = ("no transcript of its own: none, or another recording has it", path.name)
        audio = path.relative_to(root)
        return Utterance(audio.as_posix(), audio, text, split, speaker, self.language, problem=problem)


def _endings(extensions: Sequence[str]) -> tuple[str, ...]:
    return tuple(f".{extension.lower().lstrip('.')}" for extension in extensions)


def _stem(file: str, endings: tuple[str, ...]) -> str:
    """The name without the longest of the endings that it has."""
    return file[: -max(len(ending) for ending in endings if file.lower().endswith(ending))]


def _composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _spellings(paths: Iterable[str]) -> dict[str, str]:
    """Paths of transcripts by their other spelling (Unicode NFC, slashes), if they have one."""
    spelt = ((os.path.normpath(_composed(path).replace("\\", "/")), path) for path in paths)
    return {spelling: path for spelling, path in spelt if spelling != path}


def _text(path: Path) -> str:
    if not path.is_file():
        raise ValueError("not a regular file")  # reading a pipe would wait forever for its writer
    return " ".join(path.read_text(encoding="utf-8-sig").splitlines()).strip()


def _table(path: Path) -> dict[str, str]:
    """Transcripts by the paths of their recordings."""
    cells = read_table(path, COLUMNS, "correct init_args.metadata")
    if missing := [name for name in COLUMNS if name not in cells.names]:
        raise ValueError(
            f"{path}: no column {missing[0]!r}, found {', '.join(map(repr, cells.names))}; rename it or"
            " name the columns with the corpus stages.corpora.table.Table"
        )
    texts: dict[str, str] = {}
    named: set[str] = set()
    faults = Faults(file=path)
    for place, (name, text) in cells.rows(COLUMNS):
        recording = os.path.normpath(f"{path.parent}/{name}")
        with_slashes = os.path.normpath(recording.replace("\\", "/"))
        if not name.strip() or with_slashes in named:
            what = f"{name} already has a row" if name.strip() else f"no {COLUMNS[0]}"
            faults.add(f"{place}: {what}")
        named.add(with_slashes)
        texts[recording] = text
    faults.stop("correct or remove them")
    return texts


def _unspoken(paths: Iterable[str | Path], root: Path, reason: str) -> Iterator[Utterance]:
    for path in paths:
        audio = Path(os.path.relpath(path, root))
        yield Utterance(audio.as_posix(), audio, "", problem=(reason, audio.as_posix()))
