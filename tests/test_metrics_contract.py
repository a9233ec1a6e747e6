"""Every metric of stages/metrics, unseen: what stages/metrics/metric.py promises."""

import math
from typing import Any

import pytest
from family import classes_of, part_of
from pydantic import TypeAdapter

from stages.metrics.chord_accuracy import ChordAccuracy
from stages.metrics.metric import Metric
from stages.metrics.word_error_rate import WordErrorRate
from stages.schema.families import MetricPart

METRICS = classes_of(Metric)
# by what is recognised: what was said, and for each of it something else that may be heard
SAID = {
    "text": ["turn on the light", "seven", "stop the alarm", "four two four two"],
    "chords": ["C:major/C", "D:min7/F", "E:sus4/E", "G:dom7/G"],
}
HEARD = {
    "text": ["turn of the light", "eleven", "", "two four four"],
    "chords": ["D:minor/E", "E:major/G", "F:dom7/F", "A:sus4/A"],
}


@pytest.fixture(params=METRICS, ids=lambda cls: cls.__name__)
def metric(request: pytest.FixtureRequest) -> Metric:
    """With its defaults, as a task builds it."""
    part = TypeAdapter(MetricPart).validate_python(part_of(request.param).model_dump())
    built: Metric = part.build()
    assert built.content in SAID, "say in SAID and HEARD what its content looks like"
    return built


@pytest.fixture
def said(metric: Metric) -> list[str]:
    return list(SAID[metric.content])


@pytest.fixture
def heard(metric: Metric) -> list[str]:
    """Right in half of the utterances."""
    return [*SAID[metric.content][:2], *HEARD[metric.content][2:]]


def logged(metric: Metric, references: list[str], hypotheses: list[str]) -> list[float]:
    found = metric.compute(references, hypotheses)
    return [found[name] for name in metric.logged]


def test_the_metrics_are_found() -> None:
    assert {WordErrorRate, ChordAccuracy} <= set(METRICS)


def test_what_is_logged_is_computed(metric: Metric, said: list[str], heard: list[str]) -> None:
    assert metric.logged
    assert set(metric.logged) <= set(metric.compute(said, heard))


def test_numbers_are_finite_and_what_json_can_hold(metric: Metric, said: list[str], heard: list[str]) -> None:
    for references, hypotheses in ((said, heard), (said[:1], said[:1]), (said[:1], heard[3:])):
        values: list[Any] = list(metric.compute(references, hypotheses).values())
        assert all(type(value) in (int, float) and math.isfinite(value) for value in values)


def test_what_is_right_has_the_same_value_whatever_was_said_and_errors_move_it(
    metric: Metric, said: list[str]
) -> None:
    right, wrong = logged(metric, said, said), logged(metric, said, HEARD[metric.content])
    assert right == logged(metric, said[1:3], said[1:3])
    assert all(good != bad for good, bad in zip(right, wrong, strict=True))


def test_more_errors_move_it_further(metric: Metric, said: list[str], heard: list[str]) -> None:
    right, some, all_wrong = (
        logged(metric, said, hypotheses) for hypotheses in (said, heard, HEARD[metric.content])
    )
    for best, middle, worst in zip(right, some, all_wrong, strict=True):
        assert abs(middle - best) < abs(worst - best)


def test_it_is_of_the_corpus(metric: Metric, said: list[str], heard: list[str]) -> None:
    """Neither the order of utterances nor how many times all of them are there matters."""
    found = logged(metric, said, heard)
    assert logged(metric, said[::-1], heard[::-1]) == pytest.approx(found)
    assert logged(metric, said * 3, heard * 3) == pytest.approx(found)


@pytest.mark.parametrize("cls", [cls for cls in METRICS if cls.content == "text"])  # of texts of any length
def test_a_long_utterance_weighs_more_than_a_short_one(cls: type[Metric]) -> None:
    said, without_long, without_short = (
        ["one two three four five", "no"],
        ["", "no"],
        ["one two three four five", ""],
    )
    metric = part_of(cls).build()
    right, more, less = (logged(metric, said, heard) for heard in (said, without_long, without_short))
    for best, long_wrong, short_wrong in zip(right, more, less, strict=True):
        assert abs(long_wrong - best) > abs(short_wrong - best)


def test_it_is_the_same_every_time_and_leaves_its_input(
    metric: Metric, said: list[str], heard: list[str]
) -> None:
    references, hypotheses = list(said), list(heard)
    assert metric.compute(references, hypotheses) == metric.compute(references, hypotheses)
    assert (references, hypotheses) == (said, heard)


def test_columns_have_a_whole_number_for_each_utterance(
    metric: Metric, said: list[str], heard: list[str]
) -> None:
    for column in metric.per_utterance(said, heard).values():
        assert len(column) == len(said)
        assert all(type(value) is int for value in column)


def test_ranked_hypotheses_have_numbers_of_their_own(
    metric: Metric, said: list[str], heard: list[str]
) -> None:
    found = metric.compute_ranked(said, [[first, second] for first, second in zip(heard, said, strict=True)])
    assert not set(found) & set(metric.compute(said, heard))
    assert all(math.isfinite(value) for value in found.values())


def test_confusions_are_pairs_of_classes_and_none_where_all_is_right(
    metric: Metric, said: list[str], heard: list[str]
) -> None:
    for kind, pairs in metric.pairs(said, heard).items():
        assert any(first != second for first, second in pairs)
        assert all(first == second for first, second in metric.pairs(said, said)[kind])
        classes = {first for first, _ in pairs if first}
        assert set(metric.indistinguishable(kind, classes)) <= classes
