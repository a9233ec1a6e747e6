"""Datasets of Hugging Face's library, saved to a folder by ``save_to_disk``."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from stages.audio.pack import Piece, pack
from stages.corpora.corpus import Corpus, Utterance
from stages.program.printable import printable
from stages.schema.families import Split

Column = Literal["audio", "text", "id", "speaker", "language"]
DEFAULT_NAMES: dict[Column, str] = {
    "audio": "audio", "text": "text", "id": "id", "speaker": "speaker_id", "language": "language",
}  # fmt: skip
REQUIRED = ("audio", "text")
SPLITS: dict[str, Split] = {"train": "train", "validation": "validation", "test": "test"}
BATCH = 1024  # rows that are Python objects at a time

Dataset = Any  # datasets.Dataset, imported where it is used


@dataclass(frozen=True)
class EmbeddedUtterance(Utterance):
    """An utterance with audio in the dataset; ``audio`` is a placeholder until that is written."""

    dataset: str = ""
    row: int = 0


class HuggingFace(Corpus):
    """A dataset that ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` wrote to ``folder``, below
    manifest.root.

    ``columns`` names the dataset's columns if they differ from audio, text, id, speaker_id and language;
    all but audio and text are optional. ``splits`` maps the datasets of a DatasetDict to our splits, as in
    ``{train.clean.100: train}``; stderr names those left out. A single Dataset has no splits: manifest.carve
    makes them.

    Selected audio in the dataset is decoded into 16-bit FLAC files at its own sample rate, ten minutes and
    one split each, without another lossy step. What cannot be decoded is a rejected row. Audio that the
    dataset refers to by path is not copied; paths are relative to the dataset, or absolute. Without an id
    column, the id is the dataset's name and its path for the audio, else the row number, which changes when
    earlier rows are removed.

    Needs the extra hugging-face. Nothing is downloaded and no code of a dataset runs. ValueError if there
    is no such dataset or column.
    """

    def __init__(
        self,
        folder: str = ".",
        columns: dict[Column, str] | None = None,
        splits: dict[str, Split] = SPLITS,
    ) -> None:
        self.folder = folder
        self.columns = columns or {}
        self.splits = splits

    @staticmethod
    def check_arguments(folder: str = ".", **_: object) -> None:
        if Path(folder).is_absolute() or ".." in Path(folder).parts:
            raise ValueError(f"folder must be in manifest.root, where DVC tracks it; found {folder!r}")

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        for name, dataset in self._datasets(root).items():
            if name and name not in self.splits:
                message = f"{root / self.folder}: {name!r} is not in init_args.splits: left out"
                print(printable(message), file=sys.stderr)
                continue
            columns = self._present(dataset, root)
            for first in range(0, len(dataset), BATCH):
                cells = _cells(dataset[first : first + BATCH], columns)
                for row, found in enumerate(zip(*cells.values(), strict=True), first):
                    yield self._utterance(name, row, dict(zip(cells, found, strict=True)))

    def _utterance(self, name: str, row: int, cell: dict[str, Any]) -> Utterance:
        path = (cell["path"] or "").lstrip("/")
        own_name = cell.get("id") or "/".join(filter(None, [name, path or f"{row:08d}"]))
        values: dict[str, Any] = {
            "id": own_name,
            "text": cell["text"] or "",
            "split": self.splits[name] if name else None,
            "speaker": cell.get("speaker"),
            "language": cell.get("language"),
        }
        if cell["embedded"]:
            return EmbeddedUtterance(**values, audio=Path(self.folder, own_name), dataset=name, row=row)
        return Utterance(**values, audio=Path(self.folder, cell["path"]) if cell["path"] else Path())

    def with_audio(self, utterances: Iterable[Utterance], root: Path, audio_folder: Path) -> list[Utterance]:
        found = list(utterances)
        embedded = [u for u in found if isinstance(u, EmbeddedUtterance)]
        ready: list[Utterance] = [u for u in found if not isinstance(u, EmbeddedUtterance)]
        parts = self._datasets(root) if embedded else {}
        for split in sorted({str(u.split) for u in embedded}):
            rows = sorted((u for u in embedded if u.split == split), key=lambda u: (u.dataset, u.row))
            contents = ((u, self._content(parts[u.dataset], u.row)) for u in rows)
            ready += [_placed(u, found) for u, found in pack(contents, audio_folder / split)]
        return ready

    def _content(self, dataset: Dataset, row: int) -> bytes:
        audio = dataset[row : row + 1][self._name("audio")]
        content: bytes = pc.struct_field(audio, "bytes")[0].as_py()
        return content

    def _datasets(self, root: Path) -> dict[str, Dataset]:
        """The datasets of the folder by name; a single one has the empty name."""
        folder = root / self.folder
        try:
            import datasets
        except ImportError as error:
            message = "needs the library datasets: install the extra hugging-face"
            command = "pip install -c constraints.txt -e '.[hugging-face]'"
            raise ValueError(f"{folder}: {message}, {command}") from error
        try:
            loaded = datasets.load_from_disk(str(folder))
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise ValueError(
                f"{folder}: {error}; save the dataset there with save_to_disk, or correct init_args.folder"
            ) from error
        # Other formats than arrow would decode the audio.
        parts = {"": loaded} if isinstance(loaded, datasets.Dataset) else loaded
        return {name: part.with_format("arrow") for name, part in parts.items()}

    def _name(self, column: Column) -> str:
        return self.columns.get(column, DEFAULT_NAMES[column])

    def _present(self, dataset: Dataset, root: Path) -> dict[Column, str]:
        """The existing columns; ValueError if a required one is missing."""
        for column in DEFAULT_NAMES:
            name = self._name(column)
            if name not in dataset.column_names and (column in REQUIRED or column in self.columns):
                found = ", ".join(map(repr, dataset.column_names))
                raise ValueError(
                    f"{root / self.folder}: no column {name!r}, found {found}; name the column that holds the"
                    f" {column} in init_args.columns.{column}"
                )
        return {c: self._name(c) for c in DEFAULT_NAMES if self._name(c) in dataset.column_names}


def _placed(utterance: Utterance, found: Piece | ValueError) -> Utterance:
    if isinstance(found, ValueError):
        reason, value = (*map(str, found.args), utterance.id)[:2]
        return replace(utterance, problem=(reason, value))
    return replace(
        utterance,
        audio=found.path,
        offset_seconds=found.offset_seconds,
        duration_seconds=found.duration_seconds,
        content=found.content,
    )


def _cells(table: pa.Table, columns: dict[Column, str]) -> dict[str, list[Any]]:
    """Texts of some rows, the path of their audio, and whether it is in the dataset."""
    cells: dict[str, list[Any]] = {}
    for column, name in columns.items():
        cell = table[name]
        if column == "audio":
            inside = pa.types.is_struct(cell.type)
            path = pc.struct_field(cell, "path") if inside else cell.cast(pa.string())
            bytes_ = pc.struct_field(cell, "bytes") if inside else pa.nulls(len(cell))
            cells |= {"path": path.to_pylist(), "embedded": pc.is_valid(bytes_).to_pylist()}
        else:
            try:
                cells[column] = cell.cast(pa.string()).to_pylist()
            except pa.ArrowException as error:
                raise ValueError(f"column {name!r}: expected text or numbers, found {cell.type}") from error
    return cells
