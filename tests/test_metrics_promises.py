"""The contract of stages/metrics/metric.py, for all metrics of stages/metrics."""

from collections.abc import Sequence

import pytest
from family import classes_of

from stages.metrics.metric import Metric

METRICS = classes_of(Metric)
REFERENCES = {"text": ["a b", "c"], "chords": ["C:major/C", "D:min7/F"]}
HYPOTHESES = {"text": ["a x", "c"], "chords": ["C:major/C", "D:6/F"]}


@pytest.fixture(params=METRICS, ids=lambda cls: cls.__name__)
def metric(request: pytest.FixtureRequest) -> Metric:
    found: Metric = request.param()
    return found


def test_what_a_validation_logs_is_among_what_is_computed(metric: Metric) -> None:
    found = metric.compute(REFERENCES[metric.content], HYPOTHESES[metric.content])
    assert metric.logged
    assert set(metric.logged) <= set(found)


def test_there_are_as_many_columns_as_utterances(metric: Metric) -> None:
    columns = metric.per_utterance(REFERENCES[metric.content], HYPOTHESES[metric.content])
    assert all(len(column) == 2 for column in columns.values())


def test_what_is_recognised_without_an_error_is_paired_with_itself(metric: Metric) -> None:
    for pairs in metric.pairs(REFERENCES[metric.content], REFERENCES[metric.content]).values():
        assert pairs
        assert all(reference == hypothesis for reference, hypothesis in pairs)


def test_the_names_under_which_trainings_are_monitored_stay() -> None:
    logged = {cls.__name__: cls.logged for cls in METRICS}
    assert logged["WordErrorRate"] == ("wer",)
    assert logged["CharacterErrorRate"] == ("cer",)
    assert logged["PhonemeErrorRate"] == ("per", "cer")
    assert logged["ChordAccuracy"] == ("chord_type_acc", "root_acc", "bass_note_acc", "chord_acc")


def test_a_metric_of_one_number_has_no_tables() -> None:
    class Errors(Metric):
        logged = ("errors",)

        def compute(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, float]:
            return {"errors": sum(map(str.__ne__, references, hypotheses))}

    metric, references = Errors(), REFERENCES["text"]
    assert metric.content == "text"
    assert (
        metric.per_utterance(references, references)
        == metric.compute_ranked(references, [references, references])
        == {}
    )
    assert metric.pairs(references, references) == metric.indistinguishable("words", {"a"}) == {}


def test_only_a_metric_of_ranks_asks_for_alternatives(metric: Metric) -> None:
    references = REFERENCES[metric.content]
    found = metric.compute_ranked(references, [[text] for text in references])
    assert found == ({} if metric.content == "text" else dict.fromkeys(found, 1.0))
    assert metric.indistinguishable("root", {"C"}) == {}
