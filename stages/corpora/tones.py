"""A tone per character: the smallest corpus that can be learned, for tests and trials."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stages.audio.recording import write_recording
from stages.corpora.corpus import Corpus, Utterance
from stages.schema.quantities import Fraction, PositiveFloat, PositiveInt

SAMPLE_RATE = 16000
LOWEST_HZ = 400.0
RATIO = 1.25  # between the tones of neighbouring characters: the highest of 13 stays below 6 kHz

Samples = np.ndarray[Any, np.dtype[np.float32]]


class Tones(Corpus):
    """Random words of a small alphabet: one tone per character, silence between tones.

    Every split has its own speakers; a speaker is a detuning (within ``detuning`` of the distance to
    the next tone).
    """

    def __init__(
        self,
        num_train: PositiveInt = 96,
        num_validation: PositiveInt = 16,
        num_test: PositiveInt = 16,
        alphabet: str = "abcdefghijkl ",
        tone_seconds: PositiveFloat = 0.08,
        gap_seconds: PositiveFloat = 0.05,
        detuning: Fraction = 0.1,
        speakers_per_split: PositiveInt = 8,
    ) -> None:
        if not alphabet.replace(" ", ""):
            raise ValueError("Tones: the alphabet needs a letter")
        self.counts = {"train": num_train, "validation": num_validation, "test": num_test}
        self.alphabet = alphabet
        self.tone_seconds = tone_seconds
        self.gap_seconds = gap_seconds
        self.detuning = detuning
        self.speakers_per_split = speakers_per_split

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        for split, count in self.counts.items():
            for number in range(min(self.speakers_per_split, count)):
                share = len(range(number, count, self.speakers_per_split))
                yield from self._speaker(f"{split}-{number}", split, share, audio_folder, seed)

    def _speaker(
        self, speaker: str, split: str, count: int, audio_folder: Path, seed: int
    ) -> Iterator[Utterance]:
        """All utterances of one speaker, in one file."""
        generator = np.random.default_rng([seed, *speaker.encode()])
        tuning = RATIO ** generator.uniform(-self.detuning, self.detuning)
        path = audio_folder / f"{speaker}.flac"
        pieces, start = [], 0
        for number in range(count):
            text = self._text(generator)
            samples = self._sound(text, tuning, generator)
            yield Utterance(
                id=f"{speaker}-{number:04d}",
                audio=path,
                text=text,
                split=split,
                speaker=speaker,
                offset_seconds=start / SAMPLE_RATE,
                duration_seconds=len(samples) / SAMPLE_RATE,
            )
            pieces.append(samples)
            start += len(samples)
        write_recording(path, np.concatenate(pieces), SAMPLE_RATE)

    def _text(self, generator: np.random.Generator) -> str:
        letters = self.alphabet.replace(" ", "")
        words = [
            "".join(generator.choice(list(letters), size=generator.integers(2, 5)))
            for _ in range(generator.integers(1, 4))
        ]
        return " ".join(words)

    def _sound(self, text: str, tuning: float, generator: np.random.Generator) -> Samples:
        time = np.arange(int(self.tone_seconds * SAMPLE_RATE)) / SAMPLE_RATE
        # plucked: only the beginning is loud, so that a single frame shows where a tone starts
        envelope = np.minimum(1.0, time / 0.002) * np.exp(-time / 0.02)
        gap = np.zeros(int(self.gap_seconds * SAMPLE_RATE))
        pieces = [gap]
        for character in text:
            hertz = LOWEST_HZ * RATIO ** self.alphabet.index(character) * tuning
            pieces += [0.5 * envelope * np.sin(2 * np.pi * hertz * time), gap]
        clean = np.concatenate(pieces)
        noisy: Samples = (clean + generator.normal(0.0, 0.003, len(clean))).astype(np.float32)
        return noisy
