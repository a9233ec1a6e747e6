"""Champion and candidate on the same utterances, with numbers that can be checked by hand."""

import json
from pathlib import Path

import pandas as pd
import pytest

from stages.commands.compare import main
from stages.commands.comparison import compare


def scored(edits: list[int], speakers: list[str | None] | None = None) -> pd.DataFrame:
    """Utterances of ten words each, with these numbers of errors."""
    count = len(edits)
    return pd.DataFrame(
        {
            "id": [f"u{number:03d}" for number in range(count)],
            "speaker": speakers or ["ann", "bob"] * (count // 2) + ["ann"] * (count % 2),
            "reference": [f"text {number}" for number in range(count)],
            "hypothesis": [""] * count,
            "wer_edits": edits,
            "wer_reference_words": [10] * count,
        }
    )


def test_the_rates_are_those_of_the_corpus() -> None:
    found = compare(scored([2, 0, 4, 0]), scored([1, 0, 1, 2]))
    assert (found.champion, found.candidate) == (6 / 40, 4 / 40)
    assert [(s.name, s.champion, s.candidate) for s in found.speakers] == [
        ("ann", 6 / 20, 2 / 20),
        ("bob", 0 / 20, 2 / 20),
    ]


def test_the_same_hypotheses_are_not_better() -> None:
    found = compare(scored([1, 2, 3, 4]), scored([1, 2, 3, 4]))
    assert (found.probability_better, found.difference_low, found.difference_high) == (0.0, 0.0, 0.0)


def test_better_everywhere_is_certain_and_by_more_than_the_margin_only_below_it() -> None:
    champion, candidate = scored([3] * 50), scored([2] * 50)
    assert compare(champion, candidate, margin=0.09).probability_better == 1.0
    assert compare(champion, candidate, margin=0.11).probability_better == 0.0


def test_one_utterance_out_of_a_hundred_is_chance() -> None:
    """It is drawn at least once with probability 1 - (99/100)^100 = 0.634."""
    candidate = scored([0] + [1] * 99)
    assert compare(scored([1] * 100), candidate).probability_better == pytest.approx(0.634, abs=0.02)


def test_what_only_the_candidate_was_scored_on_is_left_out() -> None:
    found = compare(scored([1, 1]), scored([1, 1, 9, 9]))
    assert (found.candidate, found.num_not_compared) == (2 / 20, 2)


def test_an_utterance_that_vanished_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match=r"not scored on 1 of the champion's 2 utterances, first u001"):
        compare(scored([1, 1]), scored([1]))


def test_another_reference_is_refused_by_its_name() -> None:
    candidate = scored([1, 1])
    candidate.loc[1, "reference"] = "else"
    with pytest.raises(ValueError, match="different references, first u001: 'text 1', 'else'"):
        compare(scored([1, 1]), candidate)


def test_a_file_of_something_else_is_refused_by_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="the candidate's file has no column reference"):
        compare(scored([1]), scored([1]).drop(columns="reference"))
    with pytest.raises(ValueError, match="the champion was scored twice on u000"):
        compare(pd.concat([scored([1]), scored([1])]), scored([1]))


def test_unknown_speakers_are_one_group() -> None:
    assert [s.name for s in compare(scored([1, 1], [None, "bob"]), scored([1, 1])).speakers] == [
        "(unknown)",
        "bob",
    ]


def test_a_metric_that_was_not_computed_is_refused() -> None:
    with pytest.raises(ValueError, match="no column per_reference_"):
        compare(scored([1]), scored([1]), metric="per")


def test_the_program_prints_for_people_and_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(tmp_path / name) for name in ("a.parquet", "b.parquet")]
    scored([2, 2]).to_parquet(paths[0])
    scored([1, 1]).to_parquet(paths[1])
    main(paths)
    assert "wer: champion 0.2000, candidate 0.1000, difference -0.1000" in capsys.readouterr().out
    main([*paths, "--json"])
    assert json.loads(capsys.readouterr().out)["probability_better"] == 1.0
    with pytest.raises(SystemExit, match=r"missing.parquet: no such file"):
        main([paths[0], str(tmp_path / "missing.parquet")])
