"""Chords as text, as tokens, and what a listener can know of them."""

import pytest

from stages.metrics.chord_ceiling import ceilings, indistinguishable, shares_of_labels, shares_of_prior
from stages.schema.chords import CHORD_TYPES, PITCH_CLASSES, Chord
from stages.schema.part import Part
from stages.tokens.chords import Chords


def tokens(types: list[str] | None = None) -> Chords:
    found = Chords() if types is None else Chords(types)
    found.fit([])
    return found


def test_there_are_32_types_of_distinct_pitch_classes_above_the_root() -> None:
    assert len(CHORD_TYPES) == len(set(CHORD_TYPES.values())) == 32
    assert all(intervals[0] == 0 and max(intervals) < 12 for intervals in CHORD_TYPES.values())
    assert all(list(intervals) == sorted(set(intervals)) for intervals in CHORD_TYPES.values())


@pytest.mark.parametrize(
    "chord", [Chord("min7", "C#", "E"), Chord("6", "B", "B"), Chord("my/own:type", "C", "D")]
)
def test_a_chord_comes_back_from_its_text(chord: Chord) -> None:
    assert Chord.parse(str(chord)) == chord


def test_a_chord_is_written_root_type_bass() -> None:
    assert str(Chord("min7", "C#", "E")) == "C#:min7/E"


@pytest.mark.parametrize("text", ["", "C", "C:major", "H:major/C", "C:major/Db", "C:/C", "C major/C"])
def test_what_is_no_chord_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no chord: expected root:chord_type/bass_note"):
        Chord.parse(text)


def test_a_chord_is_its_type_root_and_bass_in_one_vocabulary() -> None:
    vocabulary = tokens()
    assert vocabulary.group_sizes == (32, 12, 12)
    assert len(vocabulary.vocabulary) == 56
    assert vocabulary.encode("C#:major/E") == [0, 32 + 1, 32 + 12 + 4]
    assert vocabulary.decode([0, 33, 48]) == "C#:major/E"


def test_no_token_of_a_chord_is_blank() -> None:
    assert tokens().blank_index not in range(56)


def test_the_types_are_those_that_are_configured() -> None:
    vocabulary = tokens(["minor", "major"])
    assert vocabulary.vocabulary[:3] == ["type minor", "type major", "root C"]
    with pytest.raises(ValueError, match=r"outside the vocabulary: 'type min7' in 'C:min7/C'"):
        vocabulary.encode_known("C:min7/C")


def test_a_vocabulary_of_other_types_is_refused() -> None:
    with pytest.raises(ValueError, match="vocabulary of other chord types or another order"):
        Chords(["minor", "major"]).restore(tokens(["major", "minor"]).vocabulary)


def test_the_same_type_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="distinct chord types"):
        Part(class_path="stages.tokens.chords.Chords", init_args={"types": ["major", "major"]}).build()


@pytest.mark.parametrize("name", ["", " ", "major ", "two  words", "a\tb", "e\u0301"])
@pytest.mark.parametrize(
    "cls",
    [
        "tokens.chords.Chords", "metrics.chord_accuracy.ChordAccuracy", "corpora.chord_folder.ChordFolder",
        "corpora.synthesized_chords.SynthesizedChords",
    ],
)  # fmt: skip
def test_a_type_that_a_text_would_write_otherwise_is_refused(cls: str, name: str) -> None:
    with pytest.raises(ValueError, match=r"names in Unicode NFC without spaces to spare; found"):
        Part(class_path=f"stages.{cls}", init_args={"types": ["major", name]}).build()


def test_the_same_type_twice_is_refused_by_the_metric() -> None:
    arguments = {"types": ["major", "major"]}
    with pytest.raises(ValueError, match="distinct chord types"):
        Part(class_path="stages.metrics.chord_accuracy.ChordAccuracy", init_args=arguments).build()


@pytest.mark.parametrize("name", ["two words", "é", "6", "my/own:type"])
def test_other_names_of_types_come_back_from_a_text(name: str) -> None:
    chord = str(Chord(name, "C", "E"))
    assert tokens([name]).decode(tokens([name]).encode(chord)) == chord


def test_labels_come_from_their_columns_or_from_the_text() -> None:
    labelled = {"text": "ignored", "chord_type": "major", "root": "C", "bass_note": "E"}
    unlabelled = {"text": "D:minor/D", "chord_type": None, "root": None, "bass_note": None}
    assert tokens().transcripts([labelled, unlabelled]) == ["C:major/E", "D:minor/D"]


def test_the_ceiling_of_the_default_law() -> None:
    # 18 of the 384 (type, bass) pairs sound like another one, more likely or first: see the test below
    found = ceilings(shares_of_prior(list(CHORD_TYPES), 0.6))
    assert found["chord_type"] == pytest.approx(0.9375)
    assert found["root"] == pytest.approx(0.9135, abs=1e-4)
    assert found["bass_note"] == 1.0


def test_inversions_of_one_another_are_told_apart_as_often_as_their_bass_tells() -> None:
    # C:6 is A:min7. Over C the first has the share 0.6 + 0.4 / 12 and the second 0.4 / 12, over A the other
    # way round; over each of the ten other basses both have 0.4 / 12, and one of two guesses is right.
    likely, unlikely = 0.6 + 0.4 / 12, 0.4 / 12
    found = ceilings(shares_of_prior(["6", "min7"], 0.6))
    assert found["chord_type"] == pytest.approx((2 * likely + 10 * unlikely) / 2)


def test_a_symmetric_chord_has_its_type_always_and_its_root_by_its_bass() -> None:
    # over a chord tone the best guess is the bass itself; over any other, one of three
    found = ceilings(shares_of_prior(["augmented"], 0.6))
    assert found["chord_type"] == pytest.approx(1.0)
    assert found["root"] == pytest.approx(0.6 + 0.4 / 12 + 3 * 0.4 / 12)


def test_the_ceiling_of_labels_is_that_of_their_counts() -> None:
    # A:min7/C, twice, and C:6/C, once, sound alike, as do they a fourth higher
    heard = [Chord("min7", "A", "C"), Chord("min7", "D", "F"), Chord("6", "C", "C"), Chord("major", "C", "C")]
    assert ceilings(shares_of_labels(heard))["chord_type"] == 3 / 4


def test_types_that_are_inversions_of_one_another_or_of_themselves_are_listed() -> None:
    assert sorted(map(sorted, indistinguishable())) == [
        ["6", "min7"], ["augmented"], ["dim7"], ["dom13", "maj13"], ["dom7b5"], ["half_dim7", "m6"],
        ["quartal3", "sus2", "sus4"],
    ]  # fmt: skip


def test_pitch_classes_are_named_with_sharps() -> None:
    assert PITCH_CLASSES[1] == "C#"
    assert len(PITCH_CLASSES) == 12
