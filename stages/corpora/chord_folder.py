"""A folder of recordings of chords, each with a label file: sample_*.json."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from stages.corpora.corpus import Corpus, Utterance
from stages.schema.chords import CHORD_TYPES, PITCH_CLASSES, Chord, distinct_types


class ChordFolder(Corpus):
    """Every ``sample_*.json`` under manifest.root: an object with ``chord_type`` (one of ``types``), ``root``
    and ``bass_note`` (a pitch class: 0 to 11 from C up, or its name), and ``filename`` of the recording.

    The recording is in ``audio``, a folder relative to that of the label file; its default name is that of
    the label file, with .wav. Other keys are ignored. The id is the path of the label file without ending.
    A label file that cannot be read, has invalid labels, or contradicts an earlier one for the same recording
    is a rejected row. ValueError if there are no label files.
    """

    def __init__(
        self,
        audio: str = ".",
        types: list[str] = list(CHORD_TYPES),  # noqa: B006 - never changed
    ) -> None:
        self.audio = audio
        self.types = types

    @staticmethod
    def check_arguments(audio: str = ".", types: Sequence[str] = tuple(CHORD_TYPES)) -> None:
        distinct_types(types)
        if Path(audio).is_absolute():
            raise ValueError(f"audio must be relative to the folder of a label file; found {audio!r}")

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        paths = sorted(root.rglob("sample_*.json"))
        if not paths:
            raise ValueError(f"{root / 'sample_*.json'}: no such file, nor in folders below")
        first: dict[str, Utterance] = {}  # by recording
        for path in paths:
            found = self._utterance(path, root)
            if not found.problem:
                earlier = first.setdefault(os.path.normpath(found.audio), found)
                if earlier.text != found.text:
                    labels = "; ".join(f"{one.id}.json: {one.text}" for one in (earlier, found))
                    found = replace(found, problem=("the recording also has another label", labels))
            yield found

    def _utterance(self, path: Path, root: Path) -> Utterance:
        place = path.relative_to(root)
        name = place.with_suffix("").as_posix()
        label: dict[str, Any] = {}
        try:
            label = _read(path)
            if Path(str(label.get("filename", ""))).is_absolute():
                raise ValueError(
                    "filename must be relative to the folder of recordings", label.pop("filename")
                )
            chord = self._chord(label)
        except ValueError as error:
            reason, value = (*error.args, place)[:2]
            return Utterance(name, self._recording(place, label), "", problem=(reason, str(value)))
        return Utterance(name, self._recording(place, label), str(chord), labels=chord._asdict())

    def _recording(self, place: Path, label: dict[str, Any]) -> Path:
        return place.parent / self.audio / str(label.get("filename", place.with_suffix(".wav").name))

    def _chord(self, label: dict[str, Any]) -> Chord:
        if missing := [key for key in Chord._fields if key not in label]:
            raise ValueError(f"the label has no {', '.join(missing)}")
        if label["chord_type"] not in self.types:
            raise ValueError("chord_type is not in types of the corpus", label["chord_type"])
        return Chord(label["chord_type"], _pitch_class(label, "root"), _pitch_class(label, "bass_note"))


def _read(path: Path) -> dict[str, Any]:
    try:
        label = from_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ValueError("the label cannot be read", f"{path.name}: {error}") from error
    if not isinstance(label, dict):
        raise ValueError("the label is not a JSON object")
    return label


def _pitch_class(label: dict[str, Any], key: str) -> str:
    """The name of a pitch class, given as number or name; ValueError(reason, value) for anything else."""
    value = label[key]
    if isinstance(value, str) and value in PITCH_CLASSES:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(PITCH_CLASSES):
        return PITCH_CLASSES[value]
    raise ValueError(f"{key} is neither 0 to 11 nor one of {' '.join(PITCH_CLASSES)}", repr(value))
