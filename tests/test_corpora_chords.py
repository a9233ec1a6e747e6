"""Synthesised chords: their distribution, what each split has to itself, and that a spectrum shows them."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stages.corpora.corpus import Utterance
from stages.corpora.synthesized_chords import TUNINGS, SynthesizedChords
from stages.schema.chords import CHORD_TYPES, PITCH_CLASSES, Chord
from stages.schema.families import Split
from stages.schema.part import Part
from stages.synthesis.chord_sound import SAMPLE_RATE
from stages.synthesis.chord_timbre import FAMILIES
from stages.synthesis.chord_voicing import draw_voicing, split_of

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chords")


@pytest.fixture(scope="module")
def found(folder: Path) -> list[Utterance]:
    return sorted(SynthesizedChords().utterances(folder, folder, 0), key=lambda row: row.id)


def test_every_clip_is_labelled_in_its_text_too(found: list[Utterance]) -> None:
    assert len(found) == 12 + 6 + 8
    assert all(str(Chord(**row.labels)) == row.text for row in found)


def test_clips_last_about_a_second_of_sound(found: list[Utterance], folder: Path) -> None:
    for row in found:
        samples, sample_rate = soundfile.read(folder / row.audio)
        assert sample_rate == SAMPLE_RATE == 44100
        assert row.duration_seconds is not None
        assert 0.7 <= row.duration_seconds <= 1.1
        start = round(row.offset_seconds * SAMPLE_RATE)
        clip = samples[start : start + round(row.duration_seconds * SAMPLE_RATE)]
        assert 0.05 < np.abs(clip).max() < 1


def test_a_family_of_instruments_is_heard_in_one_split_only() -> None:
    names = [name for split in SPLITS for name in FAMILIES[split]]
    assert len(set(names)) == len(names)


def test_a_tuning_is_heard_in_one_split_only() -> None:
    ranges = sorted((low, high) for split in SPLITS for low, high in TUNINGS[split])
    assert all(low < high for low, high in ranges)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(ranges))


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("chord_type", list(CHORD_TYPES))
def test_every_chord_has_voicings_in_every_split(chord_type: str, split: Split) -> None:
    generator = np.random.default_rng(0)
    for bass in range(12):
        notes = draw_voicing(list(CHORD_TYPES[chord_type]), bass, split, generator)
        assert split_of(notes) == split
        assert notes[0] == min(notes)
        assert notes[0] % 12 == bass
        above = {note % 12 for note in notes[1:]}
        assert set(CHORD_TYPES[chord_type]) - {bass} <= above <= set(CHORD_TYPES[chord_type])
        assert all(36 <= note <= 96 for note in notes)


def test_a_voicing_is_the_same_wherever_it_lies() -> None:
    assert split_of([40, 47, 56]) == split_of([43, 50, 59])


def test_the_bass_is_the_root_as_often_as_the_law_says() -> None:
    generator = np.random.default_rng(0)
    chords = [SynthesizedChords(bass_is_root=0.6)._chord(generator) for _ in range(4000)]
    share = np.mean([chord.root == chord.bass_note for chord in chords])
    assert share == pytest.approx(0.6 + 0.4 / 12, abs=0.02)
    counts = np.unique([chord.chord_type for chord in chords], return_counts=True)[1]
    assert len(counts) == 32
    assert counts.min() > 4000 / 32 / 2


def test_only_configured_types_are_played() -> None:
    generator = np.random.default_rng(0)
    corpus = SynthesizedChords(types=["major", "sus2"])
    assert {corpus._chord(generator).chord_type for _ in range(50)} == {"major", "sus2"}


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (["major", "power"], "unknown chord types 'power'"),
        ([], "without duplicates"),
        (["6", "6"], "without duplicates"),
    ],
)
def test_types_that_cannot_be_played_are_refused(types: list[str], message: str) -> None:
    part = Part(class_path="stages.corpora.synthesized_chords.SynthesizedChords", init_args={"types": types})
    with pytest.raises(ValueError, match=message):
        part.build()


def test_the_strongest_pitch_classes_are_those_of_the_chord(found: list[Utterance], folder: Path) -> None:
    """By an FFT, not our own transform: most strong peaks are of the chord's pitch classes."""
    shares = []
    for row in found:
        chord = Chord(**row.labels)
        root = PITCH_CLASSES.index(chord.root)
        sounding = {(root + interval) % 12 for interval in CHORD_TYPES[chord.chord_type]}
        sounding.add(PITCH_CLASSES.index(chord.bass_note))
        start = round(row.offset_seconds * SAMPLE_RATE)
        clip, _ = soundfile.read(folder / row.audio, start=start + 8192, frames=32768)
        power = np.abs(np.fft.rfft(clip * np.hanning(len(clip)))) ** 2
        hertz = np.fft.rfftfreq(len(clip), 1 / SAMPLE_RATE)
        heard = (hertz > 60) & (hertz < 700)
        classes = np.round(12 * np.log2(hertz[heard] / 440) + 69).astype(int) % 12
        total = np.bincount(classes, power[heard], 12)
        shares.append(total[sorted(sounding)].sum() / total.sum())
    assert np.median(shares) > 0.85
