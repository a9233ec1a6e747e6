"""Corpora to manifests: data/manifest/{train,validation,test}.json, and rejected.json beside them.

Every utterance is decoded once and either becomes a row or is rejected with its reason. The stage
stops when more than manifest.max_rejected of them are, when a split is empty, or when a speaker or a
recording is in two splits (of a recording, pieces without overlap may be, if their speakers are known).
"""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from stages.corpora.corpus import Utterance
from stages.corpora.recording import Recording, inspect_recording
from stages.corpora.splitting import ROUNDING_SECONDS, carve, refuse_shared, speaker_key
from stages.program.inputs import Inputs
from stages.program.outputs import whole_folder
from stages.program.processes import in_threads
from stages.program.progress import track
from stages.program.stage import Stage
from stages.schema import params as schema
from stages.schema.manifest_row import REJECTED, ManifestRow, RejectedRow, write_rows

STAGE = Stage(
    name="manifest",
    code=("manifest.py", "schema", "program", "corpora"),
    data=lambda params: [Path(params.manifest.root)],
)
OUTPUT = Path("data/manifest")
MIN_DURATION_SECONDS = 0.025  # one analysis window: of less, no frontend can make a frame

Splits = dict[str, list[ManifestRow]]


def run(params: schema.Params, inputs: Inputs) -> None:
    settings = params.manifest
    root = Path(settings.root)
    _refuse_symlinks(root)
    with whole_folder(OUTPUT) as folder:
        utterances = _gather(settings, root, folder / "audio")
        splits, rejected = admit(utterances, settings, root, folder)
        write_rows(folder / REJECTED, rejected)
        _refuse_bad_splits(splits, rejected, len(utterances), settings)
        for split, rows in splits.items():
            write_rows(folder / f"{split}.json", rows)
    _report(splits, rejected)


def _refuse_symlinks(root: Path) -> None:
    links = sorted(str(path) for path in root.rglob("*") if path.is_symlink())
    if links:
        raise ValueError(
            f"{links[0]}: a symlink below manifest.root ({len(links)} in all); DVC does not see what changes"
            " behind it. Put the files themselves there, or make manifest.root itself the link."
        )


def _gather(settings: schema.Manifest, root: Path, audio_folder: Path) -> list[Utterance]:
    found = []
    for number, part in enumerate(settings.corpora):
        own_folder = (audio_folder / str(number)).absolute()
        own_folder.mkdir(parents=True)
        corpus = part.build()
        utterances = corpus.utterances(root, own_folder, settings.seed)
        found += carve(utterances, settings.carve, settings.seed)
        if not any(own_folder.iterdir()):
            own_folder.rmdir()
    return found


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
        return Path(os.path.relpath(path, OUTPUT.absolute())).as_posix()
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
        **utterance.labels,
    )


def _refuse_bad_splits(
    splits: Splits, rejected: list[RejectedRow], num_utterances: int, settings: schema.Manifest
) -> None:
    if len(rejected) > settings.max_rejected * num_utterances:
        reasons = Counter(row.reason for row in rejected).most_common()
        examples = "; ".join(f"{row.id}: {row.reason} ({row.value})" for row in rejected[:3])
        raise ValueError(
            f"{len(rejected)} of {num_utterances} utterances were rejected, manifest.max_rejected allows"
            f" {settings.max_rejected:.2%}. {'; '.join(f'{count} x {reason}' for reason, count in reasons)}."
            f" First: {examples}. All of them: {OUTPUT}.partial/{REJECTED}"
        )
    if empty := [split for split, rows in splits.items() if not rows]:
        raise ValueError(
            f"no utterance in split {', '.join(empty)}: give the corpus a list for it, or a larger"
            " share under manifest.carve"
        )
    refuse_shared(splits)


def _report(splits: Splits, rejected: Iterable[RejectedRow]) -> None:
    known = {row.text for row in splits["train"]}
    for split, rows in splits.items():
        hours = sum(row.duration for row in rows) / 3600
        speakers = len({speaker_key(row.speaker) for row in rows} - {None})
        line = f"{split}: {len(rows)} utterances, {hours:.2f} h, "
        line += f"{speakers} speakers" if speakers else "speakers unknown"
        if split != "train":
            share = sum(row.text in known for row in rows) / len(rows)
            line += f", {share:.0%} of the transcripts also in train"
        print(line)
    reasons = Counter(row.reason for row in rejected)
    print(
        f"rejected: {sum(reasons.values())}", *(f"  {count} x {reason}" for reason, count in reasons.items())
    )


if __name__ == "__main__":
    STAGE.main(run, __doc__)
