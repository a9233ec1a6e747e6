"""The contents of records; those of the last version stay readable."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.record import Record, keep, kept
from flows.record_page import markdown
from flows.starter import told

FULL: dict[str, Any] = {
    "started": "2026-03-04T05:06:07",
    "started_by": "its schedule",
    "name": "Promoted",
    "reasons": ["champion/0002 is the champion now", "better"],
    "details": ["as people read it"],
    "seconds": 3725.0,
    "before": "champion/0001",
    "champion": "champion/0002",
    "commit": "c0ffee",
    "code": "facade",
    "manifest": "d1ce.dir",
    "params": {"train.trainer.max_epochs": [6, 12]},
    "data": {
        "new_utterances": 1400, "new_hours": 1.25, "gone_utterances": 3, "utterances": 2000, "hours": 2.5,
    },
    "comparison": {
        "metric": "wer", "margin": 0.005, "num_utterances": 48, "champion": 0.25, "candidate": 0.125,
        "difference_low": -0.2, "difference_high": -0.0625, "probability_better": 0.99,
    },
    "transcripts": {
        "better": 7, "worse": 1, "same": 40,
        "shown": [
            {"id": "a|b", "before": 0, "after": 2, "reference": "go", "champion": "go", "candidate": "<b>"},
        ],
    },
    "metrics": [{"metric": "wer", "this run": 0.125, "champion/0001": 0.25}],
    "stages": [["manifest", "Ran", "data/raw/own modified"]],
    "distances": {"duration": 0.5},
}  # fmt: skip


def test_a_record_names_both_rates_the_statistics_and_what_the_candidate_was_made_from() -> None:
    text = markdown(Record(**FULL))
    for line in (
        "# Promoted, 2026-03-04 05:06",
        "- champion/0002 is the champion now",
        "| new data | 1,400 utterances, 1.25 h |",
        "| no longer there | 3 utterances |",
        "| commit | c0ffee |",
        "| made from commit | facade |",
        "| manifest | d1ce.dir |",
        "| duration | 1 h 2 min |",
        "| started by | its schedule |",
        "| champion | champion/0001 | 0.2500 |",
        "| candidate | champion/0002 | 0.1250 |",
        "| difference | 95 % interval -0.2000 to -0.0625 | -0.1250 |",
        "| probability | that the candidate is better by more than 0.005 | 0.9900 |",
        "| train.trainer.max_epochs | 6 | 12 |",
        "| manifest | Ran | data/raw/own modified |",
        "| wer | 0.1250 | 0.2500 |",
        "| duration | 0.5000 |",
        "7 better, 1 worse, 40 with equal errors.",
        r"| a\|b | 0 -> 2 | go | go | &lt;b> |",
    ):
        assert line in text.splitlines(), line


def test_a_record_of_little_says_little() -> None:
    text = markdown(Record(started="2026-03-04T05:06:07", reasons=["manifest: no such table"], seconds=61))
    assert text.splitlines()[0] == "# Failed, 2026-03-04 05:06"
    assert "| duration | 1 min 1 s |" in text
    assert "##" not in text


def test_what_is_kept_is_read_again_beside_what_the_last_version_left(tmp_path: Path) -> None:
    record = Record(**FULL)
    keep(record, markdown(record), tmp_path)
    old = "# Refused, 2025-01-02 03:04\n\n- wer 0.2500 -> 0.2600\n- champion/0001 stays\n\n```\ntable\n```\n"
    (tmp_path / "20250102-030405-refused.md").write_text(old)
    (tmp_path / "notes.md").write_text("# what people wrote\n")
    first, second = kept(tmp_path)
    assert second == record
    assert (first.name, first.started) == ("Refused", "2025-01-02T03:04:05")
    assert first.reasons == ["wer 0.2500 -> 0.2600", "champion/0001 stays"]
    assert markdown(first)


def test_a_record_of_a_later_version_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    record = Record(**FULL)
    keep(record, "", tmp_path)
    path = record.place(tmp_path) / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "weather": "fine"}))
    assert list(kept(tmp_path)) == [record]
    path.write_text("{")
    assert list(kept(tmp_path)) == []


@pytest.mark.parametrize(
    ("run", "starter"),
    [
        (None, "a terminal, "),
        ({"deployment_id": None}, "a terminal, "),
        ({"deployment_id": 1, "auto_scheduled": True}, "its schedule"),
        ({"deployment_id": 1, "auto_scheduled": False, "created_by": None}, "a user, in the UI"),
        (
            {
                "deployment_id": 1,
                "auto_scheduled": False,
                "created_by": SimpleNamespace(type="AUTOMATION", display_value="when data come"),
            },
            "the automation when data come",
        ),
    ],
)
def test_it_is_told_who_started_a_run(run: dict[str, Any] | None, starter: str) -> None:
    assert told(SimpleNamespace(**run) if run else None).startswith(starter)
