"""The base of corpora that espeak-ng synthesises on this machine: real words without a download."""

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import MinLen

from stages.audio.recording import write_recording
from stages.corpora.corpus import Corpus, Utterance
from stages.program.progress import track
from stages.schema.quantities import PositiveInt
from stages.synthesis.espeak import SAMPLE_RATE, Prompt, speak

Samples = np.ndarray[Any, np.dtype[np.float64]]
Voices = Annotated[tuple[str, ...], MinLen(1)]

MARGIN_SECONDS = 0.05  # of noise only, before and after the speech of a row
GAP_SECONDS = 0.1  # of silence between rows
LOUDEST_DB, QUIETEST_DB = -3.0, -15.0  # peak of an utterance, relative to full scale
NOISE_DB = -60.0  # relative to full scale: digital silence between words would reveal them


class SpokenCorpus(Corpus):
    """Texts in many voices; subclasses define the ``text`` and its ``language``.

    A voice (accent and variant of espeak-ng, ``en-us+f3``) is a speaker with one FLAC file; a variant is in
    one split only. Text, speed, pitch, intonation and loudness are drawn for each utterance by its id, so
    that a larger corpus begins like a smaller one.
    """

    language: ClassVar[str]

    def __init__(
        self,
        num_train: PositiveInt,
        num_validation: PositiveInt,
        num_test: PositiveInt,
        train_voices: Voices,
        validation_voices: Voices,
        test_voices: Voices,
    ) -> None:
        self.splits = {
            "train": (num_train, train_voices),
            "validation": (num_validation, validation_voices),
            "test": (num_test, test_voices),
        }

    @abstractmethod
    def text(self, generator: np.random.Generator) -> str:
        """The text of an utterance."""

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        def record(split: str, voice: str, count: int) -> list[Utterance]:
            return self._record(voice, split, count, audio_folder / f"{voice}.flac", seed)

        work = [
            (split, voice, len(range(number, total, len(voices))))
            for split, (total, voices) in self.splits.items()
            for number, voice in enumerate(voices[:total])
        ]
        with ExitStack() as stack:
            pool = ThreadPoolExecutor(os.cpu_count())  # threads: each waits for its own process
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
            for rows in track(pool.map(record, *zip(*work, strict=True)), "speaking", len(work), "voices"):
                yield from rows

    def _record(self, voice: str, split: str, count: int, path: Path, seed: int) -> list[Utterance]:
        """All utterances of one voice, spoken in the order of their ids, into one file."""
        ids = [f"{split}-{voice}-{number:04d}" for number in range(count)]
        generators = [np.random.default_rng([seed, *name.encode()]) for name in ids]
        prompts = [self._prompt(generator) for generator in generators]
        rows, pieces, start = [], [], 0
        gap = np.zeros(round(GAP_SECONDS * SAMPLE_RATE))
        spoken = speak(voice, prompts)
        for name, generator, prompt, speech in zip(ids, generators, prompts, spoken, strict=True):
            samples = _microphone(np.frombuffer(speech, np.int16).astype(np.float64), generator)
            row = Utterance(
                id=name,
                audio=path,
                text=prompt.text,
                split=split,
                speaker=voice,
                language=self.language,
                offset_seconds=start / SAMPLE_RATE,
                duration_seconds=len(samples) / SAMPLE_RATE,
            )
            rows.append(row)
            pieces += [samples, gap]
            start += len(samples) + len(gap)
        write_recording(path, np.concatenate(pieces).round().astype(np.int16), SAMPLE_RATE)
        return rows

    def _prompt(self, generator: np.random.Generator) -> Prompt:
        return Prompt(
            text=self.text(generator),
            words_per_minute=int(generator.integers(140, 201)),
            pitch=int(generator.integers(35, 66)),
            intonation=int(generator.integers(30, 71)),
        )


def refuse_shared_variants(*voices: Sequence[str]) -> None:
    """ValueError for a variant in two splits, or twice in one: speakers would not be distinct."""
    variants = [voice.partition("+")[2] for split in voices for voice in split]
    if twice := sorted({variant for variant in variants if variants.count(variant) > 1}):
        raise ValueError(
            f"a variant may be used once, in one accent and one split: {', '.join(map(repr, twice))}"
        )


def _microphone(speech: Samples, generator: np.random.Generator) -> Samples:
    """16-bit samples at a drawn loudness, with a faint noise that also fills the margins."""
    full_scale = 2.0**15
    peak = full_scale * 10 ** (generator.uniform(QUIETEST_DB, LOUDEST_DB) / 20)
    margin = np.zeros(round(MARGIN_SECONDS * SAMPLE_RATE))
    clean = np.concatenate([margin, speech * (peak / np.abs(speech).max()), margin])
    return clean + generator.normal(0.0, full_scale * 10 ** (NOISE_DB / 20), len(clean))
