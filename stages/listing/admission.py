"""Decides which utterances become rows of the manifest, and why others are rejected."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from stages.audio.inspection import refuse_too_long
from stages.corpora.corpus import Utterance
from stages.listing.recordings import Recordings, is_below, resolved
from stages.listing.splitting import ROUNDING_SECONDS
from stages.listing.utterances import Utterances
from stages.schema import params as schema
from stages.schema.manifest_row import ManifestRow, RejectedRow

MIN_DURATION_SECONDS = 0.025  # one analysis window: less does not make a frame
LEFT_OUT = "not within manifest.train_seconds"  # chosen by the user, so not a fault
INVISIBLE = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"}  # Unicode categories
MAX_SHOWN = 300  # characters of the value in a rejected row


@dataclass(frozen=True, slots=True)
class Admitted:
    """An utterance, by its number, that becomes a row."""

    number: int
    split: str
    row: ManifestRow


@dataclass(frozen=True, slots=True)
class Rejected:
    """An utterance that is rejected, and its intended split."""

    split: str | None
    row: RejectedRow


class Admission:
    """Checks utterances for a manifest in ``folder``."""

    def __init__(
        self,
        utterances: Utterances,
        recordings: Recordings,
        settings: schema.Manifest,
        root: Path,
        folder: Path,
    ) -> None:
        self.utterances = utterances
        self.recordings = recordings
        self.settings = settings
        self.root = os.path.abspath(root)
        self.folder = os.path.abspath(folder)
        # Paths in the project are written relative to the manifest, all others as absolute paths.
        self.relative = {self.folder: "."}
        if not root.is_absolute():
            self.relative[self.root] = os.path.relpath(self.root, self.folder)

    def judge(self) -> Iterator[Admitted | Rejected]:
        """Admit or reject every utterance, in order of ids."""
        ids = self.utterances.ids
        last = None  # admitted id
        for number in sorted(range(len(ids)), key=ids.__getitem__):
            utterance = self.utterances[number]
            try:
                if utterance.id == last:
                    raise ValueError("duplicated id", utterance.id)
                row = self._row(number, utterance)
            except ValueError as error:
                yield Rejected(utterance.split, _rejected(utterance, error))
            else:
                last = utterance.id
                yield Admitted(number, str(utterance.split), row)

    def _row(self, number: int, utterance: Utterance) -> ManifestRow:
        """The manifest's row; ValueError(reason, value) if it is rejected."""
        recording = int(self.recordings.of[number])
        self._check_source(utterance, recording)
        columns = self.recordings.columns[recording]
        duration = _duration(utterance, float(columns["seconds"]))
        rate, num_channels = int(columns["sample_rate"]), int(columns["num_channels"])
        refuse_too_long(round(duration * rate), rate, num_channels)
        bounds = self.settings.train_seconds
        if bounds and utterance.split == "train" and duration not in bounds:
            raise ValueError(LEFT_OUT, f"{duration:.2f} s")
        self._check_text(utterance, duration)
        row = ManifestRow(
            id=utterance.id,
            audio_filepath=self._written_path(resolved(str(utterance.audio), self.root)),
            offset=utterance.offset_seconds,
            duration=duration,
            text=utterance.text,
            speaker=utterance.speaker,
            language=utterance.language,
            audio_sha256=columns["sha256"].tobytes().hex(),
            **utterance.labels,  # type: ignore[arg-type] # the row defines the labels
        )
        _check_encoding(row)
        return row

    def _check_source(self, utterance: Utterance, recording: int) -> None:
        if utterance.audio == Path():
            raise ValueError("no audio file is named", utterance.text)
        if recording < 0:
            raise ValueError("the path is outside manifest.root", utterance.audio)
        if utterance.problem:
            raise ValueError(*utterance.problem)
        if reason := self.recordings.errors.get(recording):
            raise ValueError(reason, utterance.audio)
        if utterance.split not in self.settings.splits:
            raise ValueError(f"the split is not in manifest.splits {self.settings.splits}", utterance.split)

    def _check_text(self, utterance: Utterance, duration: float) -> None:
        text, most = utterance.text, self.settings.max_characters_per_second
        if all(unicodedata.category(character) in INVISIBLE for character in text):
            raise ValueError("empty transcript", text)
        if len(text) > most * duration:
            value = f"{len(text)} characters in {duration:.2f} s: {text[:80]}"
            raise ValueError("transcript too long for its audio (manifest.max_characters_per_second)", value)

    def _written_path(self, path: str) -> str:
        for folder, relative in self.relative.items():
            if is_below(path, folder):
                path = os.path.normpath(relative + path[len(folder) :])
                break
        return path.replace(os.sep, "/")


def _duration(utterance: Utterance, seconds: float) -> float:
    """Of an utterance in a recording of ``seconds``."""
    rest = seconds - utterance.offset_seconds
    duration = rest if utterance.duration_seconds is None else utterance.duration_seconds
    # Written so that NaN fails too.
    if not (utterance.offset_seconds >= 0 and rest > 0 and 0 < duration <= rest + ROUNDING_SECONDS):
        span = f"{utterance.offset_seconds} s + {duration} s of {seconds} s"
        raise ValueError("offset and duration exceed the recording", span)
    duration = min(duration, rest)
    if duration < MIN_DURATION_SECONDS:
        raise ValueError(f"less audio than {MIN_DURATION_SECONDS} s", f"{duration:.6f} s")
    return duration


def _check_encoding(row: ManifestRow) -> None:
    """Reject file names in other encodings and lone surrogates in JSON: UTF-8 cannot encode them."""
    for name, value in row:
        if isinstance(value, str) and value != _writable(value):
            raise ValueError(f"{name}: not UTF-8; rename the file, or correct the list", value)


def _rejected(utterance: Utterance, error: ValueError) -> RejectedRow:
    """The reason and value of an error; pydantic raises it where a corpus yields a wrong type."""
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False)[0]
        reason, value = f"{problem['loc'][0]}: {problem['msg']}", problem["input"]
    else:
        reason, value = (*error.args, utterance.audio)[:2]
    shown = str(value)
    shown = shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}... ({len(shown)} characters)"
    return RejectedRow(id=_writable(utterance.id), reason=_writable(reason), value=_writable(shown))


def _writable(text: object) -> str:
    """Text with lone surrogates, which file names may hold and UTF-8 cannot, as escapes."""
    return str(text).encode("utf-8", "backslashreplace").decode()
