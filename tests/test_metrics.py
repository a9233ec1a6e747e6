"""Error rates as fractions: known edits, divided by the length of the references."""

import math

import pytest
from family import classes_of
from pydantic import TypeAdapter

from stages.metrics.character_error_rate import CharacterErrorRate
from stages.metrics.error_rate import ErrorRate
from stages.metrics.phoneme_error_rate import PhonemeErrorRate
from stages.metrics.word_error_rate import WordErrorRate
from stages.schema.families import MetricPart

ERROR_RATES = classes_of(ErrorRate)
REFERENCES = ["turn on the light", "seven", "", "stop the alarm", "four two four two"]
HYPOTHESES = ["turn of the light", "seven eleven", "one", "", "four two four two"]


@pytest.fixture(params=ERROR_RATES, ids=lambda cls: cls.__name__)
def metric(request: pytest.FixtureRequest) -> ErrorRate:
    built: ErrorRate = request.param(num_bootstraps=200)
    return built


def edits(metric: ErrorRate, reference: str, hypothesis: str) -> tuple[float, float, float]:
    """Insertions, deletions and substitutions."""
    found = metric.compute([reference], [hypothesis])
    insertions, deletions, substitutions = (
        found[f"{metric.name}_{kind}"] for kind in ("insertions", "deletions", "substitutions")
    )
    return insertions, deletions, substitutions


def test_the_error_rates_are_found() -> None:
    assert {WordErrorRate, CharacterErrorRate} <= set(ERROR_RATES)


@pytest.mark.parametrize("base", ["metric.Metric", "error_rate.ErrorRate"])
def test_the_base_classes_are_not_ones_to_use(base: str) -> None:
    with pytest.raises(ValueError, match=f"{base} is a base class"):
        TypeAdapter(MetricPart).validate_python({"class_path": f"stages.metrics.{base}"})


def test_word_errors_are_divided_by_the_words_of_all_references() -> None:
    # length 4: one edit; 1: one insertion; 0: one insertion; 3: all deleted; 4: correct
    found = WordErrorRate().compute(REFERENCES, HYPOTHESES)
    assert found["wer"] == (1 + 1 + 1 + 3 + 0) / (4 + 1 + 0 + 3 + 4)
    assert found["wer_reference_words"] == 12


def test_character_errors_are_divided_by_the_characters_of_all_references() -> None:
    found = CharacterErrorRate().compute(["abc", "a b", "abcd"], ["axc", "ab", "abcd"])
    assert found["cer"] == (1 + 1 + 0) / (3 + 3 + 4)
    assert found["cer_reference_characters"] == 10


def test_a_phone_is_one_edit_whatever_its_characters() -> None:
    # length 4: one substitution, one deletion; 2: one insertion
    found = PhonemeErrorRate().compute(["tʃʲ a s i", "d a"], ["ts a s", "d a a"])
    assert found["per"] == (1 + 1 + 1) / (4 + 2)
    assert found["cer"] == found["per"]  # it is monitored under this name too
    assert found["per_reference_phonemes"] == 6
    assert PhonemeErrorRate.logged == ("per", "cer")


def test_a_corpus_is_not_the_average_of_its_utterances() -> None:
    found = WordErrorRate().compute(["a", "a b c"], ["x", "a b c"])
    assert found["wer"] == 1 / 4  # not (1/1 + 0/3) / 2


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("a b c", "a b c", (0, 0, 0)),
        ("a b c", "a b c d", (1, 0, 0)),
        ("a b c", "a c", (0, 1, 0)),
        ("a b c", "a x c", (0, 0, 1)),
        ("a b c", "", (0, 3, 0)),
        ("a b c d", "b c x y", (1, 1, 1)),
    ],
)
def test_words_inserted_deleted_and_substituted(
    reference: str, hypothesis: str, expected: tuple[int, int, int]
) -> None:
    assert edits(WordErrorRate(), reference, hypothesis) == expected


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("abc", "abcd", (1, 0, 0)),
        ("abc", "ac", (0, 1, 0)),
        ("abc", "axc", (0, 0, 1)),
        ("a b", "ab", (0, 1, 0)),
        ("ab", "", (0, 2, 0)),
    ],
)
def test_characters_inserted_deleted_and_substituted(
    reference: str, hypothesis: str, expected: tuple[int, int, int]
) -> None:
    assert edits(CharacterErrorRate(), reference, hypothesis) == expected


def test_a_rate_can_be_above_1() -> None:
    assert WordErrorRate().compute(["a"], ["x y z"])["wer"] == 3 / 1


def test_no_error_is_0(metric: ErrorRate) -> None:
    found = metric.compute(REFERENCES, REFERENCES)
    assert found[metric.name] == found[f"{metric.name}_ci_low"] == found[f"{metric.name}_ci_high"] == 0.0


def test_the_order_of_utterances_does_not_matter(metric: ErrorRate) -> None:
    forwards = metric.compute(REFERENCES, HYPOTHESES)
    backwards = metric.compute(REFERENCES[::-1], HYPOTHESES[::-1])
    counted = [name for name in forwards if "_ci_" not in name]
    assert [forwards[name] for name in counted] == [backwards[name] for name in counted]


def test_the_interval_is_around_the_rate(metric: ErrorRate) -> None:
    found = metric.compute(REFERENCES * 20, HYPOTHESES * 20)
    assert found[f"{metric.name}_ci_low"] < found[metric.name] < found[f"{metric.name}_ci_high"]


def test_four_times_the_utterances_halve_the_interval() -> None:
    def width(times: int) -> float:
        found = WordErrorRate().compute(["a b"] * times + ["a"] * times, ["a b"] * times + ["x"] * times)
        return found["wer_ci_high"] - found["wer_ci_low"]

    assert width(100) / width(400) == pytest.approx(2.0, rel=0.2)


def test_the_interval_is_the_same_every_time(metric: ErrorRate) -> None:
    assert metric.compute(REFERENCES, HYPOTHESES) == metric.compute(REFERENCES, HYPOTHESES)


def test_without_bootstraps_the_interval_is_the_rate() -> None:
    found = WordErrorRate(num_bootstraps=0).compute(["a b"], ["a"])
    assert found["wer_ci_low"] == found["wer_ci_high"] == found["wer"] == 1 / 2


def test_resamples_without_a_reference_word_do_not_spoil_the_interval() -> None:
    found = WordErrorRate().compute(["", "a"], ["x", "a"])
    assert math.isfinite(found["wer_ci_high"])


def test_numbers_are_what_json_can_hold(metric: ErrorRate) -> None:
    assert all(type(value) in (int, float) for value in metric.compute(REFERENCES, HYPOTHESES).values())


@pytest.mark.parametrize("references", [["", ""], ["  ", ""], []])
def test_references_without_a_word_are_refused(metric: ErrorRate, references: list[str]) -> None:
    with pytest.raises(ValueError, match=f"{metric.name}: every reference is empty"):
        metric.compute(references, references)


def test_the_edits_of_utterances_add_up_to_the_total(metric: ErrorRate) -> None:
    found, columns = metric.compute(REFERENCES, HYPOTHESES), metric.per_utterance(REFERENCES, HYPOTHESES)
    own_edits, lengths = columns.values()
    assert len(own_edits) == len(lengths) == len(REFERENCES)
    assert sum(own_edits) / sum(lengths) == found[metric.name]


def test_every_utterance_has_its_own_edits() -> None:
    columns = WordErrorRate().per_utterance(REFERENCES, HYPOTHESES)
    assert columns == {"wer_edits": [1, 1, 1, 3, 0], "wer_reference_words": [4, 1, 0, 3, 4]}
