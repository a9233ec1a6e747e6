"""The report of a comparison, its interval, and the tables that it refuses."""

import json
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from test_metrics_interval import HIGH, LOW, percentile

from stages.commands.compare import main
from stages.commands.comparison import compare

# name: edits of the champion and of the candidate, in ten words
SPEAKERS = {"ann": (2, 1), "bo": (1, 4), "cy": (3, 3), "di": (0, 1), "ed": (5, 3), "fay": (1, 0)}


def scored(edits: list[int], words: int = 10, speakers: list[str] | None = None) -> pd.DataFrame:
    count = len(edits)
    return pd.DataFrame(
        {
            "id": [f"u{number}" for number in range(count)],
            "speaker": speakers or ["ann"] * count,
            "reference": ["text"] * count,
            "wer_edits": edits,
            "wer_reference_words": [words] * count,
        }
    )


def test_people_read_the_rates_and_the_speakers_for_whom_it_is_worst() -> None:
    names, (before, after) = list(SPEAKERS), zip(*SPEAKERS.values(), strict=True)
    candidate = pd.concat([scored(list(after), speakers=names), scored([9]).assign(id="new")])
    found = compare(scored(list(before), speakers=names), candidate, margin=0.05)
    low, high, probability = found.difference_low, found.difference_high, found.probability_better
    assert found.text().split("\n") == [
        "6 utterances of 6 speakers (1 scored only for the candidate are left out)",
        "wer: champion 0.2000, candidate 0.2000, difference +0.0000"
        f" (95 % interval {low:+.4f} to {high:+.4f})",
        f"probability that the candidate is better by more than 0.05: {probability:.4f}",
        "speakers with the worst change, champion and candidate:",
        "  bo  0.1000 0.4000",
        "  di  0.0000 0.1000",
        "  cy  0.3000 0.3000",
        "  ann 0.2000 0.1000",
        "  fay 0.1000 0.0000",  # the fifth of the six; ed improved most
    ]


def test_the_interval_holds_95_of_100_resamples() -> None:
    # 16 utterances of one word; in 8 the candidate is correct and the champion was not
    found = compare(scored([1] * 16, words=1), scored([0] * 8 + [1] * 8, words=1))
    assert found.difference_low == -percentile(HIGH, 8, 16) / 16
    assert found.difference_high == -percentile(LOW, 8, 16) / 16
    assert found.difference_low != -percentile(Fraction(95, 100), 8, 16) / 16  # of 90 %


def test_the_probability_is_the_share_of_resamples_below_the_margin() -> None:
    # a resample of two is better by 1 in a quarter of the cases, by 0.5 in half of them
    found = [
        compare(scored([1, 1], words=1), scored([0, 1], words=1), margin=margin).probability_better
        for margin in (0.0, 0.4, 0.5, 0.9, 1.0)
    ]
    assert found == pytest.approx([3 / 4, 3 / 4, 1 / 4, 1 / 4, 0.0], abs=0.02)


def test_it_is_the_same_every_time_and_another_one_by_another_seed() -> None:
    champion, candidate = scored([3, 1, 4, 1, 5]), scored([2, 7, 1, 8, 0])
    first, again, other = (compare(champion, candidate, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.probability_better != other.probability_better


def test_a_speaker_of_one_word_has_a_rate_too_and_one_of_none_has_his_insertions() -> None:
    of_one = compare(scored([1, 0], words=1, speakers=["a", "b"]), scored([0, 3], 1, ["a", "b"]))
    assert [(speaker.champion, speaker.candidate) for speaker in of_one.speakers] == [(1.0, 0.0), (0.0, 3.0)]
    champion = scored([0, 2], speakers=["a", "b"]).assign(wer_reference_words=[10, 0])
    of_none = compare(champion, champion.assign(wer_edits=[1, 1]))
    assert [(s.champion, s.candidate) for s in of_none.speakers] == [(0.0, 1 / 10), (2.0, 1.0)]


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="wer: every reference is empty"):
        compare(scored([1], words=0), scored([0], words=0))
    with pytest.raises(ValueError, match="the champion was scored on no utterance"):
        compare(scored([]), scored([1]))
    with pytest.raises(ValueError, match=r"no column cer_reference_\.\.\. in both files"):
        compare(scored([1]), scored([1]), metric="cer")


def test_the_command_takes_a_metric_and_a_margin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / name) for name in ("champion", "candidate")]
    for path, edits in zip(files, ([5, 5], [4, 4]), strict=True):
        scored(edits).rename(columns=lambda name: name.replace("wer", "cer")).to_parquet(path)
    found = []
    for margin in ("0.05", "0.15"):
        main([*files, "--metric", "cer", "--margin", margin, "--json"])
        found.append(json.loads(capsys.readouterr().out))
    assert [comparison["probability_better"] for comparison in found] == [1.0, 0.0]
    assert found[0]["metric"] == "cer"
    main([*files, "--metric", "cer"])
    assert capsys.readouterr().out.startswith("2 utterances of 1 speakers")


@pytest.mark.parametrize("margin", ["nan", "inf", "much"])
def test_a_margin_that_is_no_number_is_refused(margin: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["a", "b", "--margin", margin])
    assert "--margin" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    scored([1]).to_parquet(tmp_path / "champion")
    names = [str(tmp_path / name) for name in ("champion", "none")]
    with pytest.raises(SystemExit, match=rf"comparison of {names[0]} and {names[1]}: {names[1]}: no such"):
        main(names)
