"""Chords by additive synthesis: labelled sound without a download."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from stages.audio.recording import write_recording
from stages.corpora.corpus import Corpus, Utterance
from stages.program.jobs import run_jobs
from stages.program.progress import track
from stages.schema.chords import CHORD_TYPES, PITCH_CLASSES, Chord, distinct_types
from stages.schema.families import Split
from stages.schema.params import Executor
from stages.schema.quantities import Fraction, PositiveInt
from stages.synthesis.chord_sound import SAMPLE_RATE, play
from stages.synthesis.chord_timbre import FAMILIES
from stages.synthesis.chord_voicing import draw_voicing

SECONDS = (0.7, 1.1)
CLIPS_PER_FILE = 50
OTHER_BASS = 0.3  # how often another instrument of the split plays the bass
NOTE_CENTS = 3.0  # deviation of a note from its chord's tuning
# Deviation of a recording from concert pitch, in cents: its A is between 435 and 445 Hz, as in orchestras.
# Training leaves gaps for the other splits.
TUNINGS: dict[Split, tuple[tuple[float, float], ...]] = {
    "train": ((-20, -16), (-9, 9), (16, 20)),
    "validation": ((-16, -12.5), (9, 12.5)),
    "test": ((-12.5, -9), (12.5, 16)),
}

Work = tuple[Split, str, range]  # a family of instruments, and the numbers of its clips


class SynthesizedChords(Corpus):
    """Chords of uniform type and root; with probability ``bass_is_root`` the bass is the root, otherwise any
    of the twelve pitch classes, including the root.

    The other notes are those of the chord, whatever the bass; they may omit a bass that belongs to the
    chord. Instruments (see chord_timbre), tunings and voicings (the intervals of all notes above the bass)
    are in one split only. A family of instruments is a speaker. Clips last 0.7 to 1.1 s at 44.1 kHz.
    """

    def __init__(
        self,
        num_train: PositiveInt = 12,
        num_validation: PositiveInt = 6,
        num_test: PositiveInt = 8,
        bass_is_root: Fraction = 0.6,
        types: list[str] = list(CHORD_TYPES),  # noqa: B006 - never changed
    ) -> None:
        self.counts: dict[Split, int] = {"train": num_train, "validation": num_validation, "test": num_test}
        self.bass_is_root = bass_is_root
        self.types = types

    @staticmethod
    def check_arguments(types: Sequence[str] = tuple(CHORD_TYPES), **_: float) -> None:
        if unknown := sorted(set(distinct_types(types)) - set(CHORD_TYPES)):
            raise ValueError(
                f"types: unknown chord types {', '.join(map(repr, unknown))}; expected some of"
                f" {', '.join(CHORD_TYPES)}"
            )

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        work: list[Work] = []
        for split, total in self.counts.items():
            for place, family in enumerate(FAMILIES[split]):
                numbers = range(place, total, len(FAMILIES[split]))
                steps = range(0, len(numbers), CLIPS_PER_FILE)
                work += [(split, family, numbers[step : step + CLIPS_PER_FILE]) for step in steps]
        files = run_jobs(partial(self._record, audio_folder, seed), work, len(work), Executor())
        rows = [row for of_file in track(files, "playing", len(work), "files") for row in of_file]
        yield from sorted(rows, key=lambda row: row.id)

    def _record(self, audio_folder: Path, seed: int, work: Work) -> list[Utterance]:
        """Clips of one family of instruments, in one file."""
        split, family, numbers = work
        path = audio_folder / f"{split}-{family.replace(' ', '-')}-{numbers[0]:06d}.flac"
        rows, pieces, start = [], [], 0
        for number in numbers:
            name = f"{split}-{number:06d}"
            generator = np.random.default_rng([seed, *name.encode()])
            chord = self._chord(generator)
            samples = _clip(chord, split, family, generator)
            rows.append(
                Utterance(
                    id=name,
                    audio=path,
                    text=str(chord),
                    split=split,
                    speaker=f"{split}-{family}",
                    offset_seconds=start / SAMPLE_RATE,
                    duration_seconds=len(samples) / SAMPLE_RATE,
                    labels=chord._asdict(),
                )
            )
            pieces.append(samples)
            start += len(samples)
        write_recording(path, np.concatenate(pieces).round().astype(np.int16), SAMPLE_RATE)
        return rows

    def _chord(self, generator: np.random.Generator) -> Chord:
        chord_type = self.types[generator.integers(len(self.types))]
        root, other = PITCH_CLASSES[generator.integers(12)], PITCH_CLASSES[generator.integers(12)]
        return Chord(chord_type, root, root if generator.random() < self.bass_is_root else other)


def _clip(chord: Chord, split: Split, family: str, generator: np.random.Generator) -> np.ndarray:
    """Samples (N,) on the scale of 16 bits."""
    root, bass = PITCH_CLASSES.index(chord.root), PITCH_CLASSES.index(chord.bass_note)
    pitch_classes = [(root + interval) % 12 for interval in CHORD_TYPES[chord.chord_type]]
    notes = draw_voicing(pitch_classes, bass, split, generator)
    tuning = generator.uniform(*TUNINGS[split][generator.integers(len(TUNINGS[split]))])
    cents = tuning + generator.normal(0, NOTE_CENTS, len(notes))
    hertz = 440.0 * 2 ** ((np.array(notes) - 69 + cents / 100) / 12)
    own = FAMILIES[split][family].draw(generator)
    names = list(FAMILIES[split])
    other = FAMILIES[split][names[generator.integers(len(names))]].draw(generator)
    bass_timbre = other if generator.random() < OTHER_BASS else own
    timbres = [bass_timbre, *[own] * (len(notes) - 1)]
    return play(hertz.tolist(), timbres, generator.uniform(*SECONDS), generator)
