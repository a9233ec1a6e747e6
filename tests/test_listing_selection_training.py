"""Validation that is added to training, and the messages about it."""

import re
from pathlib import Path

import pytest
from manifest_project import SPLITS, Row, Run, metrics, page, recorded, rows_of

CORPUS = {"class_path": "stages.corpora.table.Table", "init_args": {"path": "manifest.json"}}
ADDED = [{**CORPUS, "add_validation_to_train": True}]


def ids(split: str) -> list[str]:
    return [row["id"] for row in rows_of(split)]


def spoken(**texts: str) -> list[Row]:
    """A recording with a transcript in each split."""
    return [recorded(f"{split}.wav", text, split=split, speaker=split) for split, text in texts.items()]


def test_figures_against_train_speak_of_what_training_sees_with_validation_added_to_it(run: Run) -> None:
    rows = spoken(train="A" * 10, validation="BBBBBBBBB", test="BBBBBBBBB")
    run(rows, corpora=[CORPUS])
    apart = metrics()
    assert (apart["unseen_characters"], apart["rare_characters"]) == (1, 0)
    assert [apart[split]["transcripts_in_train"] for split in ("validation", "test")] == [0.0, 0.0]
    run(rows, corpora=ADDED)
    added = metrics()
    assert (added["unseen_characters"], added["rare_characters"]) == (0, 1)
    assert [added[split]["transcripts_in_train"] for split in ("validation", "test")] == [1.0, 1.0]
    assert added["train"] == apart["train"]
    assert "Never in train" not in page()


def test_a_validation_utterance_of_another_corpus_is_still_not_in_training(run: Run) -> None:
    first = spoken(train="AAA", validation="BB", test="BB")
    (Path("data/raw/corpus/more.json")).write_text(
        '{"audio_filepath": "more.wav", "text": "CC", "split": "validation", "speaker": "more"}\n'
    )
    recorded("more.wav")
    more = {**CORPUS, "init_args": {"path": "more.json"}}
    run(first, corpora=[*ADDED, more])
    assert metrics()["unseen_characters"] == 1
    assert metrics()["validation"]["transcripts_in_train"] == 0.5


def test_what_is_added_from_validation_keeps_to_train_seconds_and_what_does_not_is_counted(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = {"train": 0.3, "validation": 0.3, "short": 0.1, "long": 0.9, "test": 0.1}
    rows = [
        recorded(f"{name}.wav", split=name if name in SPLITS else "validation", seconds=length, speaker=name)
        for name, length in seconds.items()
    ]
    run(rows, corpora=ADDED, train_seconds={"min": 0.2, "max": 0.5}, max_rejected=0.0)
    assert ids("train") == ["train.wav", "validation.wav"]
    assert ids("validation") == ["long.wav", "short.wav", "validation.wav"]
    assert rows_of("rejected") == []
    said = capsys.readouterr()
    assert "warning: 1 validation utterances are in training too" in said.err
    assert "not added to training: 2 validation utterances, not within manifest.train_seconds" in said.out
    assert metrics()["validation_in_train"] == 1
    assert re.search(r"2\s+utterances of validation are not within manifest\.train_seconds", page())
