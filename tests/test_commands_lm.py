"""Language models of transcripts: hand-computed values, and that probabilities sum to one."""

import itertools
import math
from pathlib import Path

import pytest
from training_project import training_project

from stages.commands import lm
from stages.commands.language_model import arpa_lines
from stages.commands.witten_bell import witten_bell
from stages.search.arpa import NGrams, read_arpa
from stages.search.word_scores import WordScores
from stages.tokens.characters import Characters

SENTENCES = [text.split() for text in ("see the sea", "the sea", "see", "", "the tea the tea the sea")]


def probability(ngrams: NGrams, history: tuple[str, ...], word: str) -> float:
    tokens = Characters()
    tokens.fit(["see the tea"])
    return 10 ** WordScores(ngrams, tokens, alpha=1.0, beta=0.0).log_prob(history, word)


def test_probabilities_by_hand() -> None:
    # a, a, end: 3 of 2 kinds, and the unknown word is a third kind
    ngrams = witten_bell([["a", "a"]], order=2)
    a, end, unknown = (2 + 2 / 3) / 5, (1 + 2 / 3) / 5, (2 / 3) / 5
    expected = {
        "a": a,
        "</s>": end,
        "<unk>": unknown,
        "<s> a": (1 + a) / 2,  # once, of one kind
        "a a": (1 + 2 * a) / 4,  # after a: a once and the end once
        "a </s>": (1 + 2 * end) / 4,
    }
    assert {name: 10 ** ngrams[name][0] for name in expected} == pytest.approx(expected)
    assert {name: 10 ** ngrams[name][1] for name in ("<s>", "a")} == pytest.approx({"<s>": 1 / 2, "a": 2 / 4})
    assert ngrams.keys() == {"<s>", *expected}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("sentences", [SENTENCES, SENTENCES[2:3], [], [["<unk>", "see"]]], ids=str)
def test_probabilities_sum_to_one_after_every_history(
    order: int, sentences: list[list[str]], tmp_path: Path
) -> None:
    sentences = [*sentences, ["see"]]
    path = tmp_path / "lm.arpa"
    path.write_text("".join(arpa_lines(witten_bell(sentences, order))))
    ngrams = read_arpa(path, tmp_path)
    words = [name for name in ngrams if " " not in name and name != "<s>"]
    histories = [("<s>",), *itertools.product(["<s>", *words], words)]
    for history in histories:
        total = sum(probability(ngrams, history, word) for word in words)
        assert total == pytest.approx(1.0, abs=1e-5), history


def test_what_was_said_often_is_likelier_than_what_was_said_never() -> None:
    ngrams = witten_bell(SENTENCES, order=3)
    after = {word: probability(ngrams, ("see", "the"), word) for word in ("sea", "tea", "see")}
    assert after["sea"] > after["tea"] > after["see"] > 0


def test_the_command_takes_the_words_of_the_training_transcripts_as_tokens_write_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = training_project(tmp_path, monkeypatch)
    lines = Path("data/manifest/train.json").read_text().splitlines()
    Path("data/manifest/train.json").write_text("\n".join(lines[:2]).replace('"text":"', '"text":"HELLO '))
    lm.main(["data/raw/lm/lm.arpa", "--order", "2"])
    assert "data/raw/lm/lm.arpa" in capsys.readouterr().out
    ngrams = read_arpa(tmp_path / "data/raw/lm/lm.arpa", tmp_path)
    assert max(name.count(" ") for name in ngrams) == 1
    assert math.isclose(10 ** ngrams["<s> hello"][0], (2 + 10 ** ngrams["hello"][0]) / 3, abs_tol=1e-6)
    project.params.unlink()
    with pytest.raises(SystemExit, match=r"lm: params\.yaml: no such file"):
        lm.main(["data/raw/lm/lm.arpa"])
