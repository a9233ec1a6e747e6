"""English numbers and short commands, synthesised with espeak-ng: real words without a download."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import MinLen

from stages.corpora.corpus import Corpus, Utterance
from stages.corpora.espeak import SAMPLE_RATE, Prompt, speak
from stages.corpora.phrases import phrase
from stages.corpora.recording import write_recording
from stages.program.progress import track
from stages.schema.quantities import PositiveInt

Samples = np.ndarray[Any, np.dtype[np.float64]]
Voices = Annotated[tuple[str, ...], MinLen(1)]

# No variant that whispers, croaks, swallows vowels or plays robot; and a voice of validation or test is
# 5.5 dB or more, in mean log-mel distance, from every one of training.
TRAIN_VOICES = (
    "en-us+m1", "en+m5", "en-gb-scotland+m6", "en-gb-x-rp+m7", "en-029+max", "en-us-nyc+boris",
    "en-gb-x-gbcwmd+Alex", "en-gb-x-gbclan+Mike", "en-us+Mario", "en+gustave", "en-gb-scotland+grandpa",
    "en-gb-x-rp+john", "en-029+norbert", "en-us-nyc+Diogo", "en-gb-x-gbcwmd+michel", "en-gb-x-gbclan+miguel",
    "en-us+Henrique", "en+adam", "en-gb-scotland+Reed", "en-gb-x-rp+edward", "en-029+Gene", "en-us-nyc+rob",
    "en-gb-x-gbcwmd+robert", "en-gb-x-gbclan+Andy", "en-us+Lee", "en+travis", "en-gb-scotland+iven4",
    "en-gb-x-rp+kaukovalta", "en-029+ed", "en-us-nyc+Jacky", "en-gb-x-gbcwmd+f1", "en-gb-x-gbclan+f2",
    "en-us+f5", "en+Annie", "en-gb-scotland+zac", "en-gb-x-rp+aunty", "en-029+linda", "en-us-nyc+steph",
    "en-gb-x-gbcwmd+Storm", "en-gb-x-gbclan+Alicia",
)  # fmt: skip
VALIDATION_VOICES = (
    "en-us+m3", "en+belinda", "en-gb-scotland+Nguyen", "en-gb-x-rp+shelby", "en-029+pablo",
    "en-us-nyc+marcelo",
)  # fmt: skip
TEST_VOICES = (
    "en-us+f3", "en+m2", "en-gb-x-rp+f4", "en-gb-x-gbclan+victor", "en-us-nyc+m4", "en-gb-scotland+grandma",
)  # fmt: skip

MARGIN_SECONDS = 0.05  # of the background alone, before and after the speech of a row
GAP_SECONDS = 0.1  # of silence between rows, part of none
LOUDEST_DB, QUIETEST_DB = -3.0, -15.0  # peak of an utterance, of full scale
NOISE_DB = -60.0  # of full scale: digital silence between words would give the words away


class SpokenNumbers(Corpus):
    """Random numbers below ten thousand, strings of digits and household commands, in many voices.

    A voice (accent and variant of espeak-ng, ``en-us+f3``) is a speaker, and its utterances are one
    FLAC file; a variant is heard in one split only. Text, speed, pitch, intonation and loudness are
    drawn for every utterance by its id, so that a larger corpus begins like a smaller one.
    """

    def __init__(
        self,
        num_train: PositiveInt = 1200,
        num_validation: PositiveInt = 120,
        num_test: PositiveInt = 240,
        train_voices: Voices = TRAIN_VOICES,
        validation_voices: Voices = VALIDATION_VOICES,
        test_voices: Voices = TEST_VOICES,
    ) -> None:
        self.splits = {
            "train": (num_train, train_voices),
            "validation": (num_validation, validation_voices),
            "test": (num_test, test_voices),
        }

    @staticmethod
    def check_arguments(
        train_voices: Sequence[str] = TRAIN_VOICES,
        validation_voices: Sequence[str] = VALIDATION_VOICES,
        test_voices: Sequence[str] = TEST_VOICES,
        **_: int,
    ) -> None:
        variants = [voice.partition("+")[2] for voice in (*train_voices, *validation_voices, *test_voices)]
        if twice := sorted({variant for variant in variants if variants.count(variant) > 1}):
            raise ValueError(
                f"a variant may be used once, in one accent and one split: {', '.join(map(repr, twice))}"
            )

    def utterances(self, root: Path, audio_folder: Path, seed: int) -> Iterator[Utterance]:
        def record(split: str, voice: str, count: int) -> list[Utterance]:
            return _record(voice, split, count, audio_folder / f"{voice}.flac", seed)

        work = [
            (split, voice, len(range(number, total, len(voices))))
            for split, (total, voices) in self.splits.items()
            for number, voice in enumerate(voices[:total])
        ]
        with ExitStack() as stack:
            pool = ThreadPoolExecutor(os.cpu_count())  # threads: each waits for a process of its own
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
            for rows in track(pool.map(record, *zip(*work, strict=True)), "speaking", len(work), "voices"):
                yield from rows


def _record(voice: str, split: str, count: int, path: Path, seed: int) -> list[Utterance]:
    """All utterances of one voice, spoken in the order of their ids, into one file."""
    ids = [f"{split}-{voice}-{number:04d}" for number in range(count)]
    generators = [np.random.default_rng([seed, *name.encode()]) for name in ids]
    prompts = [_prompt(generator) for generator in generators]
    rows, pieces, start = [], [], 0
    gap = np.zeros(round(GAP_SECONDS * SAMPLE_RATE))
    for name, generator, prompt, speech in zip(ids, generators, prompts, speak(voice, prompts), strict=True):
        samples = _microphone(np.frombuffer(speech, np.int16).astype(np.float64), generator)
        row = Utterance(
            id=name,
            audio=path,
            text=prompt.text,
            split=split,
            speaker=voice,
            language="en",
            offset_seconds=start / SAMPLE_RATE,
            duration_seconds=len(samples) / SAMPLE_RATE,
        )
        rows.append(row)
        pieces += [samples, gap]
        start += len(samples) + len(gap)
    write_recording(path, np.concatenate(pieces).round().astype(np.int16), SAMPLE_RATE)
    return rows


def _prompt(generator: np.random.Generator) -> Prompt:
    return Prompt(
        text=phrase(generator),
        words_per_minute=int(generator.integers(140, 201)),
        pitch=int(generator.integers(35, 66)),
        intonation=int(generator.integers(30, 71)),
    )


def _microphone(speech: Samples, generator: np.random.Generator) -> Samples:
    """16 bit samples at a drawn loudness, over a faint noise that also fills the margins."""
    full_scale = 2.0**15
    peak = full_scale * 10 ** (generator.uniform(QUIETEST_DB, LOUDEST_DB) / 20)
    margin = np.zeros(round(MARGIN_SECONDS * SAMPLE_RATE))
    clean = np.concatenate([margin, speech * (peak / np.abs(speech).max()), margin])
    return clean + generator.normal(0.0, full_scale * 10 ** (NOISE_DB / 20), len(clean))
