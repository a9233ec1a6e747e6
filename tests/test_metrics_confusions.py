"""Hypotheses against references, class by class."""

import pytest

from stages.metrics.character_error_rate import CharacterErrorRate
from stages.metrics.confusions import CLASS_COLUMNS, MAX_CLASSES, confusions, per_class
from stages.metrics.word_error_rate import WordErrorRate


def test_words_are_paired_with_those_of_the_hypothesis() -> None:
    pairs = WordErrorRate().pairs(["turn on the light", "stop"], ["turn of light", "stop now"])
    expected = [
        ("turn", "turn"),
        ("on", "of"),
        ("the", ""),
        ("light", "light"),
        ("stop", "stop"),
        ("", "now"),
    ]
    assert pairs == {"words": expected}


def test_precision_recall_and_f1_of_a_class_by_hand() -> None:
    # a: 3 times in references, twice in hypotheses, once in both; b: 1, 2, 1; c only in a hypothesis
    pairs = [("a", "a"), ("a", "b"), ("a", ""), ("b", "b"), ("", "a"), ("", "c")]
    rows = {row["class"]: row for row in per_class("characters", pairs)}
    assert list(rows) == ["a", "b", "c"]
    assert rows["a"] == {
        "kind": "characters", "class": "a", "precision": 1 / 2, "recall": 1 / 3,
        "f1": pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3)), "support": 3,
    }  # fmt: skip
    assert [rows["b"][name] for name in ("precision", "recall", "support")] == [1 / 2, 1.0, 1]
    assert [rows["c"][name] for name in ("precision", "recall", "f1", "support")] == [0.0, 0.0, 0.0, 0]


def test_what_cannot_be_seen_in_a_table_has_a_name_there() -> None:
    pairs = CharacterErrorRate().pairs(["a b"], ["ab"])["characters"]
    assert confusions(pairs) == [
        {"reference": "a", "hypothesis": "a"},
        {"reference": "space", "hypothesis": "nothing"},
        {"reference": "b", "hypothesis": "b"},
    ]


def test_a_picture_of_more_classes_than_can_be_read_is_left_out() -> None:
    assert len(confusions([(str(n), str(n)) for n in range(MAX_CLASSES)])) == MAX_CLASSES
    assert confusions([(str(n), str(n)) for n in range(MAX_CLASSES + 1)]) == []


def test_nothing_said_and_nothing_heard_is_no_row() -> None:
    assert per_class("words", []) == []


def test_a_class_with_one_reference_and_one_hypothesis_can_be_right() -> None:
    (row,) = per_class("words", [("a", "a")])
    assert tuple(row) == CLASS_COLUMNS
    assert tuple(row.values()) == ("words", "a", 1.0, 1.0, 1.0, 1)


def test_a_hundred_classes_can_be_read() -> None:
    assert MAX_CLASSES == 100
