"""Subwords: the learned pieces, that they are reproducible, and that checkpoints contain them."""

from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from test_tasks import recipe as base
from training_project import Project, training_project

from stages import evaluate, train
from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe, load, pack
from stages.tokens.subwords import SPACE, Subwords
from stages.tokens.tokens import BLANK

WORDS = ("twenty", "thirty", "fifty", "sixty", "five", "six", "hundred", "light")
TEXTS = [f"{first} {second}" for first in WORDS for second in WORDS]
Kind = Literal["unigram", "bpe"]


@pytest.fixture(params=["unigram", "bpe"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def fitted(kind: Kind, num_tokens: int = 40) -> Subwords:
    tokens = Subwords(num_tokens=num_tokens, kind=kind)
    tokens.fit(TEXTS)
    return tokens


def test_frequent_words_are_one_token(kind: Kind) -> None:
    tokens = fitted(kind, 60)
    assert "\u2581five" in tokens.vocabulary
    assert tokens.split("five five") == ["\u2581five", "\u2581five"]


def test_there_are_no_more_tokens_than_asked_for(kind: Kind) -> None:
    assert len(fitted(kind, 30).vocabulary) <= 31  # including the blank


def test_few_texts_give_fewer_tokens(kind: Kind) -> None:
    tokens = Subwords(num_tokens=500, kind=kind)
    tokens.fit(["five", "six"])
    assert tokens.decode(tokens.encode("six five")) == "six five"


def test_a_word_that_was_never_heard_is_made_of_pieces(kind: Kind) -> None:
    tokens = fitted(kind)
    assert tokens.decode(tokens.encode("fixed  Sixteen")) == "fixed sixteen"


def test_unknown_characters_are_named(kind: Kind) -> None:
    tokens = fitted(kind)
    assert tokens.unknown("five zq") == ["q", "z"]
    with pytest.raises(ValueError, match="outside the vocabulary: 'q' 'z' in 'five zq'"):
        tokens.encode("five zq")
    assert tokens.decode(tokens.encode_known("five zq")) == "five"


def test_what_looks_like_a_sign_of_sentencepiece_is_text(kind: Kind) -> None:
    texts = ["hello <unk> you", "</s> <s>", f"<{SPACE}{SPACE}>"]
    tokens = Subwords(num_tokens=60, kind=kind)
    tokens.fit(texts)
    for text in texts[:2]:
        assert tokens.decode(tokens.encode(text)) == text
    assert tokens.decode(tokens.encode(tokens.normalize(texts[2]))) == "< >"


def test_the_same_texts_give_the_same_model(kind: Kind) -> None:
    assert fitted(kind).state() == fitted(kind).state()


def test_what_is_recognised_of_a_word_is_text() -> None:
    tokens = Subwords()
    tokens.restore([BLANK, "ty", "\u2581", "\u2581six"])
    assert tokens.decode([1, 2, 2, 3, 1, 2]) == "ty sixty"


def test_fewer_tokens_than_characters_are_refused(kind: Kind) -> None:
    with pytest.raises(ValueError, match=r"num_tokens: 5 is less than the 17 characters"):
        fitted(kind, 5)


def test_no_transcript_is_refused(kind: Kind) -> None:
    with pytest.raises(ValueError, match="no training transcripts"):
        Subwords(kind=kind).fit(["", " "])


def with_subwords(project: Project, task: dict[str, Any]) -> Recipe:
    """Train and evaluate on the tones with subwords; the recipe of the checkpoint."""
    tokens = {"class_path": "stages.tokens.subwords.Subwords", "init_args": {"num_tokens": 20}}
    project.set({"train.tokens": tokens, "train.task": task})
    project.run(train)
    project.run(evaluate)
    recipe, loaded = load(project.folder / "artifacts" / "train" / "best.ckpt")
    assert isinstance(loaded.tokens, Subwords)
    return recipe


@pytest.mark.parametrize("name", ["ctc.CTC", "seq2seq.Seq2Seq"])
def test_tasks_train_with_them(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = training_project(tmp_path, monkeypatch)
    encoder = {"class_path": "stages.models.simple_ctc.SimpleCTC", "init_args": {"hidden_size": 16}}
    task = {"class_path": f"stages.tasks.{name}", "init_args": {"encoder": encoder}}
    recipe = with_subwords(project, task)
    assert project.json("artifacts/train/tokens.json") == recipe.vocabulary
    assert project.json("artifacts/evaluate/metrics.json")["cer"] >= 0


def test_the_model_travels_in_the_checkpoint(tmp_path: Path, kind: Kind) -> None:
    tokens = fitted(kind)
    part = Part(class_path="stages.tokens.subwords.Subwords", init_args={"num_tokens": 40, "kind": kind})
    changes = {"tokens": part, "vocabulary": tokens.vocabulary, "tokens_state": tokens.state()}
    recipe = base().model_copy(update=changes)
    path = tmp_path / "best.ckpt"
    path.write_bytes(pack(recipe, recipe.build().state_dict()))
    assert sorted(torch.load(path, weights_only=True)) == ["recipe", "state_dict"]
    assert load(path)[1].tokens.encode("sixty five") == tokens.encode("sixty five")
    damaged = recipe.model_copy(update={"tokens_state": tokens.state()[: len(tokens.state()) // 2]})
    path.write_bytes(pack(damaged, base().build().state_dict()))
    with pytest.raises(
        ValueError, match=r"best\.ckpt: its weights, vocabulary and parts do not fit together"
    ):
        load(path)
