"""Folders of sounds that augmentations draw from: noises, impulse responses."""

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
    """The sounds of a folder of the inputs and of those below it, or one file alone, or those of several
    such, sorted; Unresolved, with the argument's place, if there are none, or one that is no audio.
    """
    if isinstance(sounds, str):
        try:
            return _files(inputs, sounds)
        except ValueError as error:
            raise Unresolved(place, str(error)) from error
    if not sounds:
        raise Unresolved(place, f"names no sounds: list files or folders of {inputs}")
    return sorted(
        {file for index, each in enumerate(sounds) for file in sound_files(inputs, each, (*place, index))}
    )


def _files(inputs: Path, folder: str) -> list[str]:
    if Path(folder).is_absolute() or ".." in Path(folder).parts:
        raise ValueError(f"{folder}: must be relative to {inputs} and lie in it, where DVC sees it change")
    path = inputs / folder
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    within = sorted(path.rglob("*")) if path.is_dir() else [path]
    above = [inputs / parent for parent in Path(folder).parents if parent != Path()]
    if links := [found for found in (*above, path, *within) if found.is_symlink()]:
        raise ValueError(
            f"{links[0]}: a symlink; DVC does not see what changes behind it. Put the sounds themselves"
            f" there, or make {inputs} itself the link"
        )
    found = sorted(file for file in within if file.suffix.lower() in ENDINGS and file.is_file())
    if not found:
        raise ValueError(f"{path}: holds no sounds ({', '.join(sorted(ENDINGS))})")
    for file in found:
        try:
            length = soundfile.info(file).frames
        except soundfile.LibsndfileError as error:
            raise ValueError(f"{file}: not readable as audio: {error.error_string}") from error
        if not 0 < length < UNKNOWN_LENGTH:
            raise ValueError(f"{file}: holds no samples, or does not say how many")
    return [str(file) for file in found]


def draw_sound(files: list[str], seconds: float, sample_rate: int, generator: np.random.Generator) -> Samples:
    """Mono samples at the sample rate: so many seconds from anywhere in one of the files, or all of a
    shorter one. Nothing is kept in memory, and no more than that is decoded.
    """
    file = Path(files[generator.integers(len(files))])
    whole = soundfile.info(file).duration
    offset = generator.uniform(0.0, max(whole - seconds, 0.0))
    return mono(*read_span(file, offset, seconds), sample_rate)
