"""Folders of sounds for augmentation: noises, impulse responses."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from stages.audio.recording import UNKNOWN_LENGTH, mono, read_span
from stages.augment.augmentation import Samples
from stages.schema.nested import Unresolved
from stages.schema.problems import Place

ENDINGS = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"}


def sound_files(inputs: Path, sounds: str | Sequence[str], place: Place) -> list[str]:
    """The sounds in and below a folder of the inputs, or a single file, or a list of these, sorted.
    Unresolved, with the argument's place, if there are none or a file is not audio.
    """
    if isinstance(sounds, str):
        try:
            return _files(inputs, sounds)
        except ValueError as error:
            raise Unresolved(place, str(error)) from error
    if not sounds:
        raise Unresolved(place, f"the list is empty: name files or folders of {inputs}")
    return sorted(
        {file for index, each in enumerate(sounds) for file in sound_files(inputs, each, (*place, index))}
    )


def _files(inputs: Path, folder: str) -> list[str]:
    if Path(folder).is_absolute() or ".." in Path(folder).parts:
        raise ValueError(f"{folder}: must be relative to {inputs} and in it, where DVC tracks it")
    path = inputs / folder
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    within = sorted(path.rglob("*")) if path.is_dir() else [path]
    above = [inputs / parent for parent in Path(folder).parents if parent != Path()]
    if links := [found for found in (*above, path, *within) if found.is_symlink()]:
        raise ValueError(
            f"{links[0]}: a symlink; DVC does not track its target. Put the sounds themselves there, or make"
            f" {inputs} itself the link"
        )
    found = sorted(file for file in within if file.suffix.lower() in ENDINGS and file.is_file())
    if not found:
        raise ValueError(f"{path}: no sounds in it ({', '.join(sorted(ENDINGS))})")
    for file in found:
        try:
            length = soundfile.info(file).frames
        except soundfile.LibsndfileError as error:
            raise ValueError(f"{file}: not readable as audio: {error.error_string}") from error
        if not 0 < length < UNKNOWN_LENGTH:
            raise ValueError(f"{file}: no samples, or an unknown number of them")
    return [str(file) for file in found]


def draw_sound(files: list[str], seconds: float, sample_rate: int, generator: np.random.Generator) -> Samples:
    """Mono samples at the sample rate: a random part of ``seconds`` of a random file, or all of a shorter
    one. Decodes only that part and keeps nothing in memory.
    """
    file = Path(files[generator.integers(len(files))])
    whole = soundfile.info(file).duration
    offset = generator.uniform(0.0, max(whole - seconds, 0.0))
    return mono(*read_span(file, offset, seconds), sample_rate)
