"""Utterances that got better or worse."""

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.transcript_changes import NUM_SHOWN, changes, summary, write


def hypotheses(path: Path, said: dict[str, tuple[str, int]]) -> Path:
    """Hypothesis and edits by id."""
    table = {
        "id": [*said],
        "reference": ["go on"] * len(said),
        "hypothesis": [text for text, _ in said.values()],
        "wer_edits": [edits for _, edits in said.values()],
    }
    pq.write_table(pa.table(table), path)
    return path


def test_what_became_worse_comes_first_and_what_is_the_same_is_left_out(tmp_path: Path) -> None:
    old = {"same": ("go", 1), "worse": ("go on", 0), "better": ("", 2), "other": ("go an", 1)}
    new = {
        "same": ("go", 1),
        "worse": ("no no", 2),
        "better": ("go on", 0),
        "other": ("no on", 1),
        "new": ("", 2),
    }
    found = changes(hypotheses(tmp_path / "old", old), hypotheses(tmp_path / "new", new), "wer")
    assert [row["id"] for row in found] == ["worse", "other", "better"]
    assert found[0] == {
        "id": "worse", "before": 0, "after": 2,
        "reference": "go on", "champion": "go on", "candidate": "no no",
    }  # fmt: skip
    told = summary(found, 4)
    assert (told["better"], told["worse"], told["same"]) == (1, 1, 2)
    assert [row["id"] for row in told["shown"]] == ["worse", "better"]


def test_of_many_the_gravest_of_either_kind_are_shown_and_all_are_written(tmp_path: Path) -> None:
    ids = [f"{n:02d}" for n in range(40)]
    old = dict.fromkeys(ids, ("a", 20))
    new = {name: ("b", n) for n, name in enumerate(ids)}
    found = changes(hypotheses(tmp_path / "old", old), hypotheses(tmp_path / "new", new), "wer")
    shown = summary(found, 40)["shown"]
    assert [row["id"] for row in shown] == [*ids[: -NUM_SHOWN - 1 : -1], *ids[:NUM_SHOWN]]
    write(found, tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == [*ids[:20:-1], "20", *ids[19::-1]]


def test_a_spreadsheet_takes_no_transcript_for_a_formula(tmp_path: Path) -> None:
    row = {"id": "a", "before": 1, "after": 0, "reference": "=1+1", "champion": "@x", "candidate": "-1"}
    write([row], tmp_path / "all.csv")
    assert "a,1,0,'=1+1,'@x,'-1" in (tmp_path / "all.csv").read_text()
