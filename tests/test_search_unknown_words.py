"""Words that are not in a language model: they count as <unk>, also as history.

Logarithms are to the base 10, as in ARPA files.
"""

import math
from pathlib import Path

import pytest
from test_search_language_model import by_hand, characters, of_sentence, score

from stages.commands.language_model import arpa_lines
from stages.commands.witten_bell import witten_bell
from stages.search.arpa import NGrams, read_arpa
from stages.search.word_scores import WordScores
from stages.tokens.subwords import Subwords

TRIGRAMS: NGrams = {
    "<s>": (-99.0, -0.25),
    "</s>": (-1.0, 0.0),
    "<unk>": (-3.0, -0.5),
    "see": (-0.5, -0.125),
    "sea": (-0.75, 0.0),
    "<unk> sea": (-0.375, -0.0625),
    "see <unk>": (-2.0, -0.03125),
    "<s> <unk>": (-2.5, -0.75),
    "see <unk> sea": (-0.1, 0.0),
}


@pytest.mark.parametrize(
    ("text", "log10"),
    [
        ("tea sea", [-2.5, -0.75 - 0.375, -0.0625 - 1.0]),  # <s> <unk>, then <unk> sea, the end
        ("see tea sea", [-0.25 - 0.5, -0.125 + 0.125 - 2.0, -0.1, -0.0625 - 1.0]),
        ("see tea see", [-0.25 - 0.5, -2.0, -0.03125 - 0.5 - 0.5, -0.125 - 1.0]),
        ("tea tee", [-2.5, -0.75 - 0.5 - 3.0, -0.5 - 1.0]),  # two of them are <unk> <unk>
        ("tea", [-2.5, -0.75 - 0.5 - 1.0]),
    ],
)
def test_what_follows_an_unknown_word_is_scored_as_what_follows_unk(text: str, log10: list[float]) -> None:
    assert score(characters("see the sea at"), text, TRIGRAMS) == pytest.approx(by_hand(*log10))


@pytest.mark.parametrize("text", ["see see tea sea tea", "sea tea", "tea see see sea", "tea tee sea see"])
def test_that_is_so_by_the_definition_of_back_off_too(text: str) -> None:
    found = score(characters("see the sea at"), text, TRIGRAMS)
    assert found == pytest.approx(of_sentence(text.split(), TRIGRAMS))


def test_all_unknown_words_are_as_good_as_each_other() -> None:
    tokens = characters("see the sea at")
    assert score(tokens, "see tea sea", TRIGRAMS) == score(tokens, "see hat sea", TRIGRAMS)


def test_a_history_is_no_longer_than_the_models() -> None:
    bigrams = {name: weights for name, weights in TRIGRAMS.items() if name.count(" ") < 2}
    tokens = characters("see the sea at")
    for ngrams, history in ((bigrams, ("<unk>",)), (TRIGRAMS, ("see", "<unk>"))):
        words = WordScores(ngrams, tokens, alpha=1.0, beta=0.0)
        context = words.start()
        for token in tokens.encode("see tea s"):
            context = words.extend(context, token)
        assert context.history == history


def test_a_model_made_of_transcripts_knows_what_follows_unk_where_they_say_so(tmp_path: Path) -> None:
    # see, <unk>, sea and the end, once each: 4 tokens of 4 kinds, in a vocabulary of 4
    path = tmp_path / "lm.arpa"
    path.write_text("".join(arpa_lines(witten_bell([["see", "<unk>", "sea"]], order=2))))
    ngrams = read_arpa(path, tmp_path)
    alone = (1 + 4 * 1 / 4) / 8  # of any word, without history
    seen, never = (1 + alone) / 2, alone / 2  # after a word that occurred once
    tokens = characters("see the sea at")
    for text, probabilities in (
        ("see tea sea", [seen, seen, seen, seen]),
        ("tea sea", [never, seen, seen]),
        ("see tea see", [seen, seen, never, never]),
        ("tea tea", [never, never, never]),
    ):
        assert score(tokens, text, ngrams) == pytest.approx(sum(map(math.log, probabilities)), abs=1e-5), text


def test_a_model_made_of_transcripts_gives_an_unknown_word_what_is_left_for_it() -> None:
    # see twice, the end once: 3 tokens of 2 kinds; with <unk>, which never occurred, 3 kinds
    ngrams = witten_bell([["see", "see"]], order=1)
    assert 10 ** ngrams["<unk>"][0] == pytest.approx((0 + 2 * 1 / 3) / 5)
    expected = [(0 + 2 * 1 / 3) / 5, (2 + 2 * 1 / 3) / 5, (1 + 2 * 1 / 3) / 5]
    assert score(characters("see tea"), "tea see", ngrams) == pytest.approx(sum(map(math.log, expected)))


def test_a_word_of_subwords_counts_as_soon_as_the_next_one_begins() -> None:
    tokens = Subwords(num_tokens=12)
    tokens.fit(["see the sea", "the sea", "see tea"])
    words = WordScores(TRIGRAMS, tokens, alpha=1.0, beta=0.0)
    context = words.start()
    for number, text in enumerate(("see", "see sea", "see sea see"), 1):
        indices = tokens.encode(text)
        context = words.start()
        for token in indices:
            context = words.extend(context, token)
        assert len(context.history) == min(number, 2), text  # with the start, all but the last word
    assert context.score == pytest.approx(by_hand(-0.25 - 0.5, -0.125 - 0.75))


def test_a_history_that_was_never_seen_costs_nothing_to_back_off_from() -> None:
    ngrams: NGrams = {"<s>": (-99.0, 0.0), "</s>": (-1.0, 0.0), "see": (-0.5, 0.0), "see see": (-0.25, 0.0)}
    words = WordScores(ngrams, characters("see the sea"), alpha=1.0, beta=0.0)
    assert words.log_prob(("never",), "see") == -0.5
    assert words.log_prob(("never", "see"), "see") == -0.25
