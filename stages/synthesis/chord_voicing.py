"""The notes of a chord: register, position, doublings; every split has its own voicings."""

import zlib

import numpy as np

from stages.schema.families import Split

LOWEST_NOTE, HIGHEST_NOTE = 36, 88  # MIDI: C2, E6
BASS_OCTAVES = 2  # range of the bass, from the lowest note on
MAX_GAP = 12  # semitones between the bass and the start of the other notes
OMITTED = 0.1  # how often a bass that belongs to the chord does not also sound above
DOUBLED = 0.15  # how often a note also sounds an octave higher
SHARES: dict[int, Split] = {0: "validation", 1: "test"}  # eighths of all voicings; the rest is train


def split_of(notes: list[int]) -> Split:
    """The split of a voicing, by a hash of its intervals above the bass."""
    intervals = sorted(note - notes[0] for note in notes)
    return SHARES.get(zlib.crc32(bytes(intervals)) % 8, "train")


def draw_voicing(
    pitch_classes: list[int], bass: int, split: Split, generator: np.random.Generator
) -> list[int]:
    """MIDI notes of a chord with these pitch classes over a bass, in a voicing of the split; bass first."""
    while True:
        notes = _draw(pitch_classes, bass, generator)
        if split_of(notes) == split:
            return notes


def _draw(pitch_classes: list[int], bass: int, generator: np.random.Generator) -> list[int]:
    lowest = LOWEST_NOTE + (bass - LOWEST_NOTE) % 12 + 12 * int(generator.integers(BASS_OCTAVES))
    above = [pitch for pitch in pitch_classes if pitch != bass or generator.random() >= OMITTED]
    start = lowest + int(generator.integers(1, MAX_GAP + 1))
    close = sorted(start + (pitch - start) % 12 for pitch in above)
    match generator.choice(["close", "open", "drop", "scattered"]):
        case "open":  # every second note an octave higher
            upper = [note + 12 * (number % 2) for number, note in enumerate(close)]
        case "drop":  # the second note from above an octave lower
            upper = [note - 12 * (number == len(close) - 2) for number, note in enumerate(close)]
        case "scattered":
            upper = [note + 12 * int(generator.integers(2)) for note in close]
        case _:
            upper = close
    upper += [note + 12 for note in upper if generator.random() < DOUBLED]
    raised = [note + 12 * (note <= lowest) for note in upper]  # the bass stays the lowest
    return [lowest, *sorted({min(note, HIGHEST_NOTE - (HIGHEST_NOTE - note) % 12) for note in raised})]
