"""The contract of stages/metrics/metric.py, for all metrics of stages/metrics."""

import math
from typing import Any

import pytest
from family import classes_of, part_of
from pydantic import TypeAdapter

from stages.metrics.chord_accuracy import ChordAccuracy
from stages.metrics.error_rate import ErrorRate
from stages.metrics.metric import Metric
from stages.metrics.word_error_rate import WordErrorRate
from stages.schema.families import MetricPart

METRICS = classes_of(Metric)
# by content: references, and for each a hypothesis with errors
REFERENCES = {
    "text": ["turn on the light", "seven", "stop the alarm", "four two four two"],
    "chords": ["C:major/C", "D:min7/F", "E:sus4/E", "G:dom7/G"],
}
HYPOTHESES = {
    "text": ["turn of the light", "eleven", "", "two four four"],
    "chords": ["D:minor/E", "E:major/G", "F:dom7/F", "A:sus4/A"],
}


@pytest.fixture(params=METRICS, ids=lambda cls: cls.__name__)
def metric(request: pytest.FixtureRequest) -> Metric:
    """A metric with its defaults, as a task builds it."""
    part = TypeAdapter(MetricPart).validate_python(part_of(request.param).model_dump())
    built: Metric = part.build()
    assert built.content in REFERENCES, "add examples of its content to REFERENCES and HYPOTHESES"
    return built


@pytest.fixture
def references(metric: Metric) -> list[str]:
    return list(REFERENCES[metric.content])


@pytest.fixture
def hypotheses(metric: Metric) -> list[str]:
    """Correct in half of the utterances."""
    return [*REFERENCES[metric.content][:2], *HYPOTHESES[metric.content][2:]]


def logged(metric: Metric, references: list[str], hypotheses: list[str]) -> list[float]:
    found = metric.compute(references, hypotheses)
    return [found[name] for name in metric.logged]


def test_the_metrics_are_found() -> None:
    assert {WordErrorRate, ChordAccuracy} <= set(METRICS)


def test_what_is_logged_is_computed(metric: Metric, references: list[str], hypotheses: list[str]) -> None:
    assert metric.logged
    assert set(metric.logged) <= set(metric.compute(references, hypotheses))


def test_numbers_are_finite_and_what_json_can_hold(
    metric: Metric, references: list[str], hypotheses: list[str]
) -> None:
    for pair in (
        (references, hypotheses),
        (references[:1], references[:1]),
        (references[:1], hypotheses[3:]),
    ):
        values: list[Any] = list(metric.compute(*pair).values())
        assert all(type(value) in (int, float) and math.isfinite(value) for value in values)


def test_what_is_right_has_the_same_value_whatever_it_is_and_errors_move_it(
    metric: Metric, references: list[str]
) -> None:
    right, wrong = (
        logged(metric, references, references),
        logged(metric, references, HYPOTHESES[metric.content]),
    )
    assert right == logged(metric, references[1:3], references[1:3])
    assert all(good != bad for good, bad in zip(right, wrong, strict=True))


def test_more_errors_move_it_further(metric: Metric, references: list[str], hypotheses: list[str]) -> None:
    right, some, all_wrong = (
        logged(metric, references, texts) for texts in (references, hypotheses, HYPOTHESES[metric.content])
    )
    for best, middle, worst in zip(right, some, all_wrong, strict=True):
        assert abs(middle - best) < abs(worst - best)


def test_it_is_of_the_corpus(metric: Metric, references: list[str], hypotheses: list[str]) -> None:
    """The order of utterances does not matter, nor does repeating all of them."""
    found = logged(metric, references, hypotheses)
    assert logged(metric, references[::-1], hypotheses[::-1]) == pytest.approx(found)
    assert logged(metric, references * 3, hypotheses * 3) == pytest.approx(found)


@pytest.mark.parametrize("cls", [cls for cls in METRICS if issubclass(cls, ErrorRate)])
def test_a_long_utterance_weighs_more_than_a_short_one(cls: type[Metric]) -> None:
    references, without_long, without_short = (
        ["one two three four five", "no"],
        ["", "no"],
        ["one two three four five", ""],
    )
    metric = part_of(cls).build()
    right, more, less = (
        logged(metric, references, texts) for texts in (references, without_long, without_short)
    )
    for best, long_wrong, short_wrong in zip(right, more, less, strict=True):
        assert abs(long_wrong - best) > abs(short_wrong - best)


def test_it_is_the_same_every_time_and_leaves_its_input(
    metric: Metric, references: list[str], hypotheses: list[str]
) -> None:
    before = list(references), list(hypotheses)
    assert metric.compute(references, hypotheses) == metric.compute(references, hypotheses)
    assert (references, hypotheses) == before


def test_columns_have_a_whole_number_for_each_utterance(
    metric: Metric, references: list[str], hypotheses: list[str]
) -> None:
    for column in metric.per_utterance(references, hypotheses).values():
        assert len(column) == len(references)
        assert all(type(value) is int for value in column)


def test_ranked_hypotheses_have_numbers_of_their_own(
    metric: Metric, references: list[str], hypotheses: list[str]
) -> None:
    found = metric.compute_ranked(
        references, [[first, second] for first, second in zip(hypotheses, references, strict=True)]
    )
    assert not set(found) & set(metric.compute(references, hypotheses))
    assert all(math.isfinite(value) for value in found.values())


def test_confusions_are_pairs_of_classes_and_none_where_all_is_right(
    metric: Metric, references: list[str], hypotheses: list[str]
) -> None:
    for kind, pairs in metric.pairs(references, hypotheses).items():
        assert any(first != second for first, second in pairs)
        assert all(first == second for first, second in metric.pairs(references, references)[kind])
        classes = {first for first, _ in pairs if first}
        assert set(metric.indistinguishable(kind, classes)) <= classes
