"""Accuracies of chords on small examples."""

import pytest
from pydantic import TypeAdapter, ValidationError

from stages.metrics.chord_accuracy import ChordAccuracy
from stages.schema.families import MetricPart

REFERENCES = ["C:major/C", "D:min7/F", "E:sus4/E", "G:dom7/G"]
HYPOTHESES = ["C:major/C", "D:min7/D", "A:sus2/E", "G:major/G"]


def test_each_head_and_all_of_them_by_hand() -> None:
    found = ChordAccuracy().compute(REFERENCES, HYPOTHESES)
    assert found["chord_type_acc"] == 2 / 4
    assert found["root_acc"] == 3 / 4
    assert found["bass_note_acc"] == 3 / 4
    assert found["chord_acc"] == 1 / 4


def test_the_intervals_hold_the_accuracies() -> None:
    found = ChordAccuracy().compute(REFERENCES * 50, HYPOTHESES * 50)
    for name in ("chord_type_acc", "root_acc", "bass_note_acc", "chord_acc"):
        assert found[f"{name}_ci_low"] < found[name] < found[f"{name}_ci_high"]
    # 1.96 standard errors of a fraction of 1/2 of 200
    assert found["chord_type_acc_ci_high"] - 0.5 == pytest.approx(1.96 * (0.25 / 200) ** 0.5, abs=0.01)


def test_the_truth_may_be_among_the_best_of_each_head() -> None:
    alternatives = [["C:minor/D", "D:major/C"], ["E:6/F", "D:min9/E"]]
    found = ChordAccuracy(top_k=[1, 2]).compute_ranked(["C:major/C", "D:min7/F"], alternatives)
    assert found == {
        "chord_type_top1_acc": 0.0, "root_top1_acc": 1 / 2, "bass_note_top1_acc": 1 / 2,
        "chord_type_top2_acc": 1 / 2, "root_top2_acc": 1.0, "bass_note_top2_acc": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("rank", [0, 6])
def test_ranks_that_no_task_gives_are_refused(rank: int) -> None:
    part = {"class_path": "stages.metrics.chord_accuracy.ChordAccuracy", "init_args": {"top_k": [rank]}}
    with pytest.raises(ValidationError, match="top_k"):
        TypeAdapter(MetricPart).validate_python(part)


def test_classes_are_paired_head_by_head() -> None:
    pairs = ChordAccuracy().pairs(REFERENCES[1:3], HYPOTHESES[1:3])
    assert pairs == {
        "chord_type": [("min7", "min7"), ("sus4", "sus2")],
        "root": [("D", "D"), ("E", "A")],
        "bass_note": [("F", "D"), ("E", "E")],
    }


def test_types_that_sound_alike_are_named_where_both_were_said_or_heard() -> None:
    classes = {"6", "min7", "major", "augmented", "sus4", "sus2", "m6", "mine"}
    assert ChordAccuracy().indistinguishable("chord_type", classes) == {
        "6": "min7", "min7": "6", "sus2": "sus4", "sus4": "sus2", "augmented": "itself on other roots",
    }  # fmt: skip
    assert ChordAccuracy().indistinguishable("root", {"C", "D"}) == {}


def test_the_ceiling_of_a_law_stands_beside_the_accuracy() -> None:
    found = ChordAccuracy(bass_is_root=0.6).compute(REFERENCES, HYPOTHESES)
    assert found["chord_type_acc_ceiling"] == pytest.approx(0.9375)
    assert found["bass_note_acc_ceiling"] == 1.0


@pytest.mark.parametrize(("copies", "is_there"), [(749, False), (750, True)])
def test_the_ceiling_of_a_real_corpus_is_estimated_from_3000_chords_on(copies: int, is_there: bool) -> None:
    found = ChordAccuracy().compute(REFERENCES * copies, HYPOTHESES * copies)
    assert ("chord_type_acc_ceiling" in found) == is_there
    assert found.get("chord_type_acc_ceiling", 1.0) == 1.0  # these four all sound different


def test_types_of_unknown_pitch_classes_have_no_ceiling() -> None:
    assert "chord_type_acc_ceiling" not in ChordAccuracy().compute(["C:mine/C"] * 3000, ["C:mine/C"] * 3000)
