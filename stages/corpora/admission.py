"""Which utterances become rows of the manifest, and why the others do not."""

import os
from collections import Counter
from pathlib import Path

from pydantic import ValidationError

from stages.corpora.corpus import Utterance
from stages.corpora.recording import Recording, inspect_recording
from stages.corpora.splitting import ROUNDING_SECONDS
from stages.program.processes import in_threads
from stages.program.progress import track
from stages.schema import params as schema
from stages.schema.manifest_row import ManifestRow, RejectedRow

MIN_DURATION_SECONDS = 0.025  # one analysis window: of less, no frontend can make a frame

Splits = dict[str, list[ManifestRow]]


def admit(
    utterances: list[Utterance], settings: schema.Manifest, root: Path, folder: Path
) -> tuple[Splits, list[RejectedRow]]:
    """Rows of every split, sorted by id, and what was rejected; ``folder`` is where they are written."""
    recordings = _inspect_all({_resolve(utterance.audio, root) for utterance in utterances})
    seen = Counter[str]()
    splits: Splits = {split: [] for split in settings.splits}
    rejected = []
    for utterance in sorted(utterances, key=lambda u: u.id):
        path = _resolve(utterance.audio, root)
        seen[utterance.id] += 1
        try:
            if seen[utterance.id] > 1:
                raise ValueError("duplicated id", utterance.id)
            _check_path(utterance, path, root)
            row = _row(utterance, recordings[path], settings, _written_path(path, root, folder))
        except ValueError as error:
            rejected.append(_rejected(utterance, error))
        else:
            splits[str(utterance.split)].append(row)
    return splits, rejected


def _rejected(utterance: Utterance, error: ValueError) -> RejectedRow:
    """The reason and value that an error carries; pydantic's comes where a corpus yields a wrong type."""
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False)[0]
        reason, value = f"{problem['loc'][0]}: {problem['msg']}", problem["input"]
    else:
        reason, value = (*error.args, utterance.audio)[:2]
    return RejectedRow(id=utterance.id, reason=reason, value=str(value))


def _resolve(audio: Path, root: Path) -> Path:
    return Path(os.path.abspath(root / audio))


def _inspect_all(paths: set[Path]) -> dict[Path, Recording | ValueError]:
    """Every file decoded once, in threads: hashing and decoding release the interpreter's lock."""

    def look(path: Path) -> tuple[Path, Recording | ValueError]:
        try:
            return path, inspect_recording(path)
        except ValueError as error:
            return path, error

    return dict(track(in_threads(look, sorted(paths)), "checking audio", len(paths), "files"))


def _check_path(utterance: Utterance, path: Path, root: Path) -> None:
    if utterance.audio == Path():
        raise ValueError("no audio file is named", utterance.text)
    inside = path.is_relative_to(os.path.abspath(root))
    if not utterance.audio.is_absolute() and not inside:
        raise ValueError("the path leaves manifest.root", utterance.audio)


def _written_path(path: Path, root: Path, folder: Path) -> str:
    """Relative to the manifest's folder for files of the project, absolute for the user's own others."""
    if path.is_relative_to(folder.absolute()):
        return path.relative_to(folder.absolute()).as_posix()
    if not root.is_absolute() and path.is_relative_to(root.absolute()):
        return Path(os.path.relpath(path, folder.absolute())).as_posix()
    return path.as_posix()


def _row(
    utterance: Utterance, recording: Recording | ValueError, settings: schema.Manifest, written_path: str
) -> ManifestRow:
    """The manifest's row; ValueError(reason, value) when it is to be rejected."""
    if utterance.problem:
        raise ValueError(*utterance.problem)
    if isinstance(recording, ValueError):
        raise ValueError(str(recording), utterance.audio)
    if utterance.split not in settings.splits:
        raise ValueError(f"its split is not among manifest.splits {settings.splits}", utterance.split)
    rest = recording.duration_seconds - utterance.offset_seconds
    duration = rest if utterance.duration_seconds is None else utterance.duration_seconds
    # Said so that NaN is refused as well.
    if not (utterance.offset_seconds >= 0 and rest > 0 and 0 < duration <= rest + ROUNDING_SECONDS):
        span = f"{utterance.offset_seconds} s + {duration} s of {recording.duration_seconds} s"
        raise ValueError("offset and duration leave the recording", span)
    duration = min(duration, rest)
    if duration < MIN_DURATION_SECONDS:
        raise ValueError(f"less audio than {MIN_DURATION_SECONDS} s", f"{duration:.6f} s")
    if not utterance.text.strip():
        raise ValueError("empty transcript", utterance.text)
    if len(utterance.text) > settings.max_characters_per_second * duration:
        value = f"{len(utterance.text)} characters in {duration:.2f} s: {utterance.text[:80]}"
        raise ValueError("transcript too long for its audio (manifest.max_characters_per_second)", value)
    return ManifestRow(
        id=utterance.id,
        audio_filepath=written_path,
        offset=utterance.offset_seconds,
        duration=duration,
        text=utterance.text,
        speaker=utterance.speaker,
        language=utterance.language,
        audio_sha256=recording.sha256,
        **utterance.labels,  # type: ignore[arg-type] # the row says which labels there are
    )
