"""Which utterances become rows of the manifest, and why the others do not."""

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

MIN_DURATION_SECONDS = 0.025  # one analysis window: of less, no frontend can make a frame
LEFT_OUT = "not within manifest.train_seconds"  # the user's choice, so nothing is wrong with it
INVISIBLE = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"}  # categories of Unicode
MAX_SHOWN = 300  # characters of a value that is the reason for a rejection


@dataclass(frozen=True, slots=True)
class Admitted:
    """An utterance, by its number, that becomes a row of a split."""

    number: int
    split: str
    row: ManifestRow


@dataclass(frozen=True, slots=True)
class Rejected:
    """An utterance that does not, and the split that it was for."""

    split: str | None
    row: RejectedRow


class Admission:
    """Judges utterances, for a manifest that is to lie in ``folder``."""

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
        # What the project holds is written relative to the manifest, the user's own other files absolutely.
        self.relative = {self.folder: "."}
        if not root.is_absolute():
            self.relative[self.root] = os.path.relpath(self.root, self.folder)

    def judge(self) -> Iterator[Admitted | Rejected]:
        """Every utterance's fate, in the order of their ids."""
        ids = self.utterances.ids
        last = None  # id that was admitted
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
        """The manifest's row; ValueError(reason, value) when it is to be rejected."""
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
            **utterance.labels,  # type: ignore[arg-type] # the row says which labels there are
        )
        _check_encoding(row)
        return row

    def _check_source(self, utterance: Utterance, recording: int) -> None:
        if utterance.audio == Path():
            raise ValueError("no audio file is named", utterance.text)
        if recording < 0:
            raise ValueError("the path leaves manifest.root", utterance.audio)
        if utterance.problem:
            raise ValueError(*utterance.problem)
        if reason := self.recordings.errors.get(recording):
            raise ValueError(reason, utterance.audio)
        if utterance.split not in self.settings.splits:
            raise ValueError(
                f"its split is not among manifest.splits {self.settings.splits}", utterance.split
            )

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
    """Of an utterance in a recording of so many seconds."""
    rest = seconds - utterance.offset_seconds
    duration = rest if utterance.duration_seconds is None else utterance.duration_seconds
    # Said so that NaN is refused as well.
    if not (utterance.offset_seconds >= 0 and rest > 0 and 0 < duration <= rest + ROUNDING_SECONDS):
        span = f"{utterance.offset_seconds} s + {duration} s of {seconds} s"
        raise ValueError("offset and duration leave the recording", span)
    duration = min(duration, rest)
    if duration < MIN_DURATION_SECONDS:
        raise ValueError(f"less audio than {MIN_DURATION_SECONDS} s", f"{duration:.6f} s")
    return duration


def _check_encoding(row: ManifestRow) -> None:
    """Names of files in another encoding, and halves of characters in JSON, which no manifest can have."""
    for name, value in row:
        if isinstance(value, str) and value != _writable(value):
            raise ValueError(f"{name}: not UTF-8; rename the file, or mend the list", value)


def _rejected(utterance: Utterance, error: ValueError) -> RejectedRow:
    """The reason and value that an error carries; pydantic's comes where a corpus yields a wrong type."""
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False)[0]
        reason, value = f"{problem['loc'][0]}: {problem['msg']}", problem["input"]
    else:
        reason, value = (*error.args, utterance.audio)[:2]
    shown = str(value)
    shown = shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}... ({len(shown)} characters)"
    return RejectedRow(id=_writable(utterance.id), reason=_writable(reason), value=_writable(shown))


def _writable(text: object) -> str:
    """Text with halves of characters, which names of files may hold and UTF-8 cannot, as escapes."""
    return str(text).encode("utf-8", "backslashreplace").decode()
