"""Ceilings on small examples: chords with the same pitch classes over the same bass."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from stages.metrics.chord_accuracy import ChordAccuracy
from stages.metrics.chord_ceiling import (
    ceilings,
    indistinguishable,
    likenesses,
    shares_of_labels,
    shares_of_prior,
)
from stages.schema.chords import Chord
from stages.schema.families import MetricPart


def test_of_what_sounds_the_same_the_more_frequent_chord_is_the_answer() -> None:
    # C6 and A min7 have the same pitch classes, so they sound the same over A, and over C
    shares = {("6", 9): 1.0, ("min7", 0): 3.0, ("6", 0): 4.0, ("major", 0): 2.0}
    best = (3 + 4 + 2) / 10
    assert ceilings(shares) == pytest.approx(
        {"chord_type": best, "root": best, "chord": best, "bass_note": 1.0}
    )


def test_a_chord_that_is_its_own_transposition_hides_its_root_but_not_its_type() -> None:
    # augmented sounds the same over its root, third and fifth: the root has 19/30, the others 1/30;
    # each of the three other sounds has three basses of 1/30
    assert ceilings(shares_of_prior(["augmented"], bass_is_root=0.6)) == pytest.approx(
        {"chord_type": 1.0, "root": (19 + 3 * 1) / 30, "chord": (19 + 3 * 1) / 30, "bass_note": 1.0}
    )


def test_by_a_law_types_are_alike_and_the_bass_is_the_root_or_any_of_twelve() -> None:
    shares = shares_of_prior(["6", "min7"], bass_is_root=0.6)
    assert shares["6", 0] == shares["min7", 0] == pytest.approx(0.6 + 0.4 / 12)
    others = [shares[name, bass] for name in ("6", "min7") for bass in range(1, 12)]
    assert others == pytest.approx([0.4 / 12] * 22)
    # each over its root, against the other over another bass; ten more pairs of 1/30 each
    assert ceilings(shares)["chord_type"] == pytest.approx((2 * 19 / 30 + 10 / 30) / 2)


def test_labels_are_counted_by_type_and_semitones_from_the_root_up_to_the_bass() -> None:
    chords = map(Chord.parse, ["C:6/A", "D:6/B", "A:min7/A", "B:major/C"])
    assert shares_of_labels(chords) == {("6", 9): 2, ("min7", 0): 1, ("major", 1): 1}


def test_the_ceiling_of_counted_labels_stands_beside_the_accuracy() -> None:
    references = ["C:6/A"] * 1000 + ["A:min7/A"] * 2000
    found = ChordAccuracy().compute(references, references)
    assert (found["chord_type_acc"], found["chord_type_acc_ceiling"]) == (1.0, 2 / 3)
    assert "chord_acc_ceiling" not in ChordAccuracy().compute(
        [*references, "C:mine/C"], [*references, "C:mine/C"]
    )


def test_a_law_has_the_types_that_it_is_given() -> None:
    found = ChordAccuracy(bass_is_root=1.0, types=["augmented"]).compute(["C:augmented/C"], ["C:major/C"])
    assert (found["root_acc_ceiling"], found["chord_type_acc"]) == (1.0, 0.0)


def test_types_are_told_apart_unless_they_share_their_pitch_classes() -> None:
    assert indistinguishable(["6", "min7", "major", "dim7"]) == [["6", "min7"], ["dim7"]]
    assert indistinguishable(["6", "major"]) == []


@pytest.mark.parametrize("arguments", [{}, {"bass_is_root": 0.6}, {"types": ["mine"]}, {"top_k": [1, 5]}])
def test_what_can_be_counted_is_taken(arguments: dict[str, Any]) -> None:
    part = {"class_path": "stages.metrics.chord_accuracy.ChordAccuracy", "init_args": arguments}
    TypeAdapter(MetricPart).validate_python(part)


def test_a_law_of_types_whose_pitch_classes_are_unknown_is_refused() -> None:
    init_args = {"bass_is_root": 0.0, "types": ["yours", "major", "mine"]}
    part = {"class_path": "stages.metrics.chord_accuracy.ChordAccuracy", "init_args": init_args}
    with pytest.raises(
        ValueError, match=r"cannot compute a ceiling: the pitch classes of \['mine', 'yours'\]"
    ):
        TypeAdapter(MetricPart).validate_python(part)


def test_both_sides_have_as_many_chords() -> None:
    both = ["C:major/C"], ["C:major/C", "D:major/D"]
    for compare in (ChordAccuracy().compute, ChordAccuracy().pairs):
        with pytest.raises(ValueError, match=r"shorter|longer"):
            compare(*both)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        ChordAccuracy().compute_ranked(["C:major/C"], [])


def test_what_sounds_like_several_others_names_them_all() -> None:
    assert likenesses(["quartal3", "sus2", "sus4"]) == {
        "quartal3": "sus2, sus4", "sus2": "quartal3, sus4", "sus4": "quartal3, sus2",
    }  # fmt: skip
