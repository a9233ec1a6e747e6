"""Phonemes through the stages: a lexicon of train.inputs, and PER in what is logged and measured."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from training_project import Project, training_project

from stages import evaluate, train

PER = {"class_path": "stages.metrics.phoneme_error_rate.PhonemeErrorRate", "init_args": {"num_bootstraps": 0}}
PHONES = {letter: f"{letter}{letter.upper()}" for letter in "abcdefghijkl"}  # two characters each


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The tone corpus, of which a phone of two characters is a tone, and its lexicon."""
    made = training_project(tmp_path, monkeypatch)
    (tmp_path / "data/raw/words").mkdir()
    write_lexicon(tmp_path, words("train") | words("validation") | words("test"))
    tokens = {"class_path": "stages.tokens.phonemes.Phonemes", "init_args": {"lexicon": "words.txt"}}
    changes = {"train.inputs": "data/raw/words", "train.tokens": tokens, "evaluate.metrics": [PER]}
    changes |= {"train.task.init_args.metrics": [PER], "train.checkpoint.monitor": "val_cer"}
    made.set(changes)
    return made


def words(split: str) -> set[str]:
    texts = pq.read_table(Path("data/features", split, "index.parquet"))["text"].to_pylist()
    return {word for text in texts for word in text.split()}


def write_lexicon(folder: Path, of: set[str]) -> None:
    lines = [f"{word}\t{' '.join(PHONES[letter] for letter in word)}\n" for word in sorted(of)]
    (folder / "data/raw/words/words.txt").write_text("".join(lines))


def test_the_lexicon_travels_in_the_checkpoint(project: Project) -> None:
    project.run(train)
    assert set(project.json("artifacts/train/tokens.json")) <= {"<blank>", *PHONES.values()}
    (project.folder / "data/raw/words/words.txt").unlink()
    project.set({"train.tokens": {"class_path": "stages.tokens.characters.Characters"}})
    project.run(evaluate)
    found = project.json("artifacts/evaluate/metrics.json")
    letters = sum(
        len(text.replace(" ", ""))
        for text in pq.read_table("data/features/test/index.parquet")["text"].to_pylist()
    )
    assert found["per_reference_phonemes"] == letters
    assert found["per"] == found["cer"]
    with (project.folder / "artifacts/train/history.csv").open() as stream:
        row = next(csv.DictReader(stream))
    assert row["val_per"] == row["val_cer"]


def test_a_word_that_only_the_test_split_says_is_missed_before_training(project: Project) -> None:
    write_lexicon(project.folder, words("train") | words("validation"))
    said = r"^train\.tokens\.init_args\.lexicon lacks \d+ words, .* \(lexicon: data/raw/words/words\.txt\)$"
    with pytest.raises(ValueError, match=said):
        project.run(train)


def test_a_lexicon_that_is_not_there_is_refused_with_its_key(project: Project) -> None:
    (project.folder / "data/raw/words/words.txt").unlink()
    with pytest.raises(ValueError, match=r"train\.tokens: data/raw/words/words\.txt: no such file"):
        project.run(train)
