"""The best accuracy for a listener who knows a chord's pitch classes and its bass.

``python -m stages.metrics.chord_ceiling`` prints the chord types that are inversions of each other, which
no listener can always tell apart.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from stages.schema.chords import CHORD_TYPES, PITCH_CLASSES, Chord

Shares = Mapping[tuple[str, int], float]  # by chord type and semitones from the root up to the bass


def ceilings(shares: Shares) -> dict[str, float]:
    """Return the best possible accuracy of type, root, and both (the bass is known): the most frequent answer
    for all chords that sound the same above their bass.
    """
    answers_by_sound: dict[tuple[str, frozenset[int]], dict[object, float]] = defaultdict(
        lambda: defaultdict(float)
    )
    for (chord_type, bass), share in shares.items():
        sounding = frozenset((interval - bass) % 12 for interval in CHORD_TYPES[chord_type])
        answers = {"chord_type": chord_type, "root": bass, "chord": (chord_type, bass)}  # the root: below it
        for name, answer in answers.items():
            answers_by_sound[name, sounding][answer] += share
    found = dict.fromkeys(("chord_type", "root", "chord"), 0.0)
    for (name, _), counts in answers_by_sound.items():
        found[name] += max(counts.values()) / sum(shares.values())
    return {**found, "bass_note": 1.0}


def shares_of_prior(types: Sequence[str], bass_is_root: float) -> Shares:
    """Uniform types; the bass is the root with this probability, otherwise any of the 12 pitch classes."""
    other = (1 - bass_is_root) / 12
    return {(name, bass): other + bass_is_root * (bass == 0) for name in types for bass in range(12)}


def shares_of_labels(chords: Iterable[Chord]) -> Shares:
    """Return the count of each chord type and bass."""
    counts: dict[tuple[str, int], float] = defaultdict(float)
    for chord in chords:
        bass = PITCH_CLASSES.index(chord.bass_note) - PITCH_CLASSES.index(chord.root)
        counts[chord.chord_type, bass % 12] += 1
    return counts


def indistinguishable(types: Sequence[str] = tuple(CHORD_TYPES)) -> list[list[str]]:
    """Return groups of types with the same pitch classes in some transposition; a type may match itself."""
    groups: dict[frozenset[frozenset[int]], list[str]] = defaultdict(list)
    for name in types:
        groups[frozenset(_transpositions(name))].append(name)
    return [names for positions, names in groups.items() if len(names) > 1 or len(positions) < 12]


def likenesses(types: Sequence[str]) -> dict[str, str]:
    """Map each type that sounds like others, or like itself, on other roots to their names."""
    groups = indistinguishable([name for name in types if name in CHORD_TYPES])
    return {
        name: ", ".join(other for other in group if other != name) or "itself on other roots"
        for group in groups
        for name in group
    }


def _transpositions(name: str) -> set[frozenset[int]]:
    return {frozenset((interval + up) % 12 for interval in CHORD_TYPES[name]) for up in range(12)}


if __name__ == "__main__":
    for group in indistinguishable():
        symmetric = "" if len(group) > 1 else " (same as its own transposition)"
        print(", ".join(group) + symmetric)
