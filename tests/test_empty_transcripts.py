"""Utterances of whose transcripts normalising leaves nothing, such as '?!' where punctuation goes."""

from pathlib import Path

import pytest
from training_project import Project, training_project

from stages import evaluate, features, train
from stages.schema.manifest_row import read_manifest, write_rows

TOKENS = {
    "class_path": "stages.tokens.characters.Characters",
    "init_args": {"normalization": {"punctuation": "remove"}},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def say(split: str, *texts: str) -> list[str]:
    """Instead of what the first utterances of a split say; their ids."""
    path = Path(f"data/manifest/{split}.json")
    rows = read_manifest(path)
    changed = [row.model_copy(update={"text": text}) for row, text in zip(rows, texts, strict=False)]
    write_rows(path, [*changed, *rows[len(texts) :]])
    return [row.id for row in changed]


def test_what_has_nothing_to_learn_is_left_out_of_training_and_scored_and_named_elsewhere(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.set({"train.tokens": TOKENS, "train.trainer.max_epochs": 1})
    (learned, short), (validated,) = say("train", "?!...", "ab" * 200), say("validation", "!")
    first, second = say("test", "?!...", "-")
    for stage in (features, train, evaluate):
        project.run(stage)
    said = capsys.readouterr().out
    empty, too_short = "transcripts are empty once normalised", "too short for their transcripts"
    assert f"left out of training: 1 utterances whose {empty}, first {learned} (copy 0)" in said
    assert f"left out of training: 1 utterances {too_short}, first {short} (copy 0)" in said
    assert "train: 22 utterances in" in said
    scored = "every word recognised there is an error"
    assert f"validation: 1 utterances whose {empty}, first {validated} (copy 0): {scored}" in said
    assert f"test: 2 utterances whose {empty}, first {first} (copy 0), {second} (copy 0): {scored}" in said
    found = project.json("artifacts/evaluate/metrics.json")
    assert (found["num_utterances"], found["num_utterances_without_reference"]) == (6, 2)


def test_utterances_that_all_say_something_are_not_counted(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.set({"train.tokens": TOKENS, "train.trainer.max_epochs": 1})
    for stage in (train, evaluate):
        project.run(stage)
    assert "empty once normalised" not in capsys.readouterr().out
    assert "num_utterances_without_reference" not in project.json("artifacts/evaluate/metrics.json")


def test_a_training_of_which_nothing_is_left_is_refused(project: Project) -> None:
    project.set({"train.tokens": TOKENS})
    say("train", "ab" * 200, *["?"] * 23)
    project.run(features)
    with pytest.raises(ValueError, match="no utterance has a transcript and is long enough for it"):
        project.run(train)
