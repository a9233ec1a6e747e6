"""The gate's checks before training, and the candidates that it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows import gate
from flows.dvc_command import HYPOTHESES, METRICS
from flows.gate import Gate, judge


@pytest.mark.parametrize(
    "wrong", [{"confidence": 95.0}, {"margin": float("nan")}, {"max_new_characters": -0.1}, {"colour": 1}]
)
def test_a_value_that_could_never_decide_anything_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Gate(**wrong)


def test_a_metric_that_the_champion_was_not_scored_with_is_named_with_those_that_there_are(
    tmp_path: Path,
) -> None:
    hypotheses = tmp_path / "hypotheses.parquet"
    pq.write_table(pa.table({"id": ["a"], "cer_edits": [1], "wer_edits": [1]}), hypotheses)
    Gate(metric="cer").check_metric(hypotheses)
    with pytest.raises(ValueError, match="no metric 'per' to compare by; the champion has cer, wer"):
        Gate(metric="per").check_metric(hypotheses)


@pytest.fixture
def refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The gate's refusals for a candidate that is better, apart from the given values."""
    for folder in (tmp_path, tmp_path / "clone"):
        (folder / HYPOTHESES).parent.mkdir(parents=True)
        pq.write_table(pa.table({"id": ["a"], "reference": ["go"]}), folder / HYPOTHESES)

    def judged(
        gate_of: Gate,
        speakers: list[tuple[float, float]] = [(0.2, 0.1)],  # noqa: B006 - never changed
        blank_ratios: tuple[float | None, float | None] = (0.5, 0.5),
        probability_better: float = 1.0,
    ) -> list[str]:
        compared = {
            "champion": 0.2,
            "candidate": 0.1,
            "probability_better": probability_better,
            "speakers": [{"champion": champion, "candidate": candidate} for champion, candidate in speakers],
        }
        before, after = ({} if ratio is None else {"blank_ratio": ratio} for ratio in blank_ratios)
        (tmp_path / "clone" / METRICS).write_text(json.dumps(after))
        monkeypatch.setattr(gate.champion, "metrics", lambda *_: before)
        monkeypatch.setattr(gate, "_run", lambda *_: json.dumps(compared))
        return judge.fn(gate_of, "v1", tmp_path / HYPOTHESES, tmp_path / "clone", tmp_path).refusals

    return judged


def test_a_candidate_that_is_better_and_worse_in_nothing_is_not_refused(
    refusals: Callable[..., list[str]],
) -> None:
    assert refusals(Gate()) == []


@pytest.mark.parametrize(("probability", "refused"), [(0.89, True), (0.9, False), (1.0, False)])
def test_the_probability_that_it_is_better_must_be_the_confidence_at_least(
    refusals: Callable[..., list[str]], probability: float, refused: bool
) -> None:
    found = refusals(Gate(confidence=0.9, margin=0.01), probability_better=probability)
    expected = (
        f"wer 0.2000 -> 0.1000: better by more than 0.01 with probability {probability:.3f}, less than 0.9"
    )
    assert found == [expected] * refused


@pytest.mark.parametrize(
    ("speakers", "refused"),
    [
        ([(0.25, 0.375)], "wer of the worst speaker 0.2500 -> 0.3750"),
        ([(0.25, 0.3125)], None),  # by a sixteenth, no more
        ([(0.25, 0.3125), (0.5, 0.125)], None),  # the new worst speaker is better than the old one
        # another speaker is now the worst
        ([(0.5, 0.125), (0.25, 0.75)], "wer of the worst speaker 0.5000 -> 0.7500"),
    ],
)
def test_the_worst_speaker_must_not_be_much_worse_off_however_good_the_mean_is(
    refusals: Callable[..., list[str]], speakers: list[tuple[float, float]], refused: str | None
) -> None:
    expected = [f"{refused}, up by more than 0.0625"] * bool(refused)
    assert refusals(Gate(max_worst_speaker_rise=1 / 16), speakers=speakers) == expected


@pytest.mark.parametrize(
    ("ratios", "refused"),
    [
        ((0.5, 0.75), "blank ratio 0.5000 -> 0.7500"),
        ((0.5, 0.625), None),  # by an eighth, no more
        ((0.75, 0.5), None),
        ((None, 0.25), "blank ratio 0.0000 -> 0.2500"),
        ((None, None), None),  # a task without blanks
    ],
)
def test_a_candidate_that_says_blank_much_more_often_is_refused(
    refusals: Callable[..., list[str]], ratios: tuple[float | None, float | None], refused: str | None
) -> None:
    expected = [f"{refused}, up by more than 0.125"] * bool(refused)
    assert refusals(Gate(max_blank_ratio_rise=1 / 8), blank_ratios=ratios) == expected


def test_everything_that_speaks_against_a_candidate_is_said(refusals: Callable[..., list[str]]) -> None:
    found = refusals(Gate(), speakers=[(0.1, 0.5)], blank_ratios=(0.5, 0.9), probability_better=0.2)
    assert [text.split(" 0.")[0] for text in found] == ["wer", "wer of the worst speaker", "blank ratio"]
