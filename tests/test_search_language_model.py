"""Prefix beam search with a language model, on small examples and against all alignments.

B batch, T frames, V vocabulary: the blank 0, then the letters of a text, the space first.
"""

import itertools
import math
from typing import Any

import pytest
import torch
from test_search_prefix import of_all_paths
from torch import Tensor

from stages.schema.part import Part
from stages.search.arpa import NGrams
from stages.search.prefix_beam import PrefixBeam, prefixes
from stages.search.word_scores import WordScores
from stages.tokens.characters import Characters
from stages.tokens.phonemes import Phonemes
from stages.tokens.subwords import Subwords
from stages.tokens.tokens import Tokens

TENTH, HALF = -1.0, math.log10(0.5)
BIGRAMS: NGrams = {
    "<s>": (-99.0, HALF),
    "</s>": (TENTH, 0.0),
    "<unk>": (-3.0, 0.0),
    "see": (-0.5, HALF),
    "the": (-0.7, HALF),
    "sea": (TENTH, 0.0),
    "<s> see": (-0.2, 0.0),
    "see the": (-0.1, 0.0),
    "the sea": (-0.3, 0.0),
    "sea </s>": (-0.4, 0.0),
}


def characters(*texts: str) -> Characters:
    tokens = Characters()
    tokens.fit(texts)
    return tokens


def log_probs_of(tokens: Tokens, *frames: dict[str, float]) -> Tensor:
    """Return (1, T, V): a frame maps letters to probabilities; _ is the blank."""
    found = torch.zeros(1, len(frames), len(tokens.vocabulary))
    for index, frame in enumerate(frames):
        for letter, probability in frame.items():
            found[0, index, 0 if letter == "_" else tokens.encode_known(f"a{letter}a")[1]] = probability
    return found.log()


def score(
    tokens: Tokens, text: str, ngrams: NGrams = BIGRAMS, alpha: float = 1.0, beta: float = 0.0
) -> float:
    """Score the words of a text and its end, token by token."""
    words = WordScores(ngrams, tokens, alpha, beta)
    context = words.start()
    for token in tokens.encode(text):
        context = words.extend(context, token)
    return words.end(context)


def by_hand(*log10: float) -> float:
    return math.log(10) * sum(log10)


@pytest.mark.parametrize(
    ("text", "log10"),
    [
        ("see the sea", [-0.2, -0.1, -0.3, -0.4]),  # bigrams, also of the end
        ("see sea", [-0.2, HALF + TENTH, -0.4]),  # backs off: see sea is not in the model
        ("the the", [HALF - 0.7, HALF - 0.7, HALF + TENTH]),  # "the </s>" is not in the model
        ("tea", [HALF - 3.0, TENTH]),  # an unknown word, after the start and before the end
        ("see tea sea", [-0.2, HALF - 3.0, TENTH, -0.4]),
        ("", [HALF + TENTH]),
    ],
)
def test_words_and_the_end_of_the_sentence_are_scored_by_the_longest_n_gram_that_was_seen(
    text: str, log10: list[float]
) -> None:
    assert score(characters("see the sea at"), text) == pytest.approx(by_hand(*log10))


def test_alpha_weighs_the_words_and_beta_counts_them_but_not_the_end() -> None:
    found = score(characters("see the sea"), "see the sea", alpha=0.5, beta=2.0)
    assert found == pytest.approx(0.5 * by_hand(-0.2, -0.1, -0.3, -0.4) + 3 * 2.0)


def test_a_word_counts_as_soon_as_the_space_behind_it_is_there() -> None:
    tokens = characters("see the sea")
    words = WordScores(BIGRAMS, tokens, alpha=1.0, beta=0.0)
    scores, context = [], words.start()
    for letter in (tokens.vocabulary.index(letter) for letter in "see  t"):  # two spaces equal one
        context = words.extend(context, letter)
        scores.append(context.score)
    assert scores == pytest.approx([0, 0, 0, *3 * [by_hand(-0.2)]])


def test_a_word_outside_a_model_without_unknown_words_is_as_good_as_impossible() -> None:
    ngrams = {name: weights for name, weights in BIGRAMS.items() if name != "<unk>"}
    assert score(characters("tea seh"), "tea", ngrams) == pytest.approx(by_hand(HALF - 100, TENTH))


def test_unigrams_are_a_language_model_too() -> None:
    ngrams = {name: weights for name, weights in BIGRAMS.items() if " " not in name}
    assert score(characters("see the"), "see the", ngrams) == pytest.approx(by_hand(-0.5, -0.7, TENTH))


def test_words_of_subwords_are_the_same_as_of_characters() -> None:
    tokens = Subwords(num_tokens=12)
    tokens.fit(["see the sea", "the sea", "tea"])
    assert any(len(token) > 1 for token in tokens.split("see the sea"))
    for text in ("see the sea", "the tea", "sea"):
        assert score(tokens, text) == pytest.approx(score(characters("see the sea tea"), text))


def test_words_of_phonemes_are_phones() -> None:
    ngrams = {name.replace("sea", "i").replace("see", "s"): weights for name, weights in BIGRAMS.items()}
    tokens = Phonemes()
    tokens.fit(["s the i"])
    assert score(tokens, "s the i", ngrams) == pytest.approx(by_hand(-0.2, -0.1, -0.3, -0.4))


def test_a_model_of_words_that_cannot_be_written_is_refused() -> None:
    shouted = {name if "<" in name else name.upper(): weights for name, weights in BIGRAMS.items()}
    with pytest.raises(ValueError, match="none of its words, such as SEE, THE, SEA, can be written"):
        WordScores(shouted, characters("see the sea"), alpha=0.5, beta=1.0)


def search(tokens: Tokens, **arguments: Any) -> PrefixBeam:
    """Build the search as the pipeline does."""
    part = Part(class_path="stages.search.prefix_beam.PrefixBeam", init_args=arguments)
    built: PrefixBeam = part.build(tokens=tokens)
    return built


def test_what_sounds_alike_is_decided_by_the_words_before() -> None:
    tokens = characters("see the sea")
    letters = [{letter: 1.0} for letter in "_the se"]
    log_probs = log_probs_of(tokens, *letters, {"_": 1.0}, {"e": 0.6, "a": 0.4})
    lengths = torch.tensor([log_probs.shape[1]])
    ngrams = {**BIGRAMS, "see </s>": (-0.4, 0.0)}
    assert [tokens.decode(text) for text in search(tokens)(log_probs, lengths, 0)] == ["the see"]
    assert [tokens.decode(text) for text in search(tokens, language_model=ngrams)(log_probs, lengths, 0)] == [
        "the sea"
    ]


def test_the_end_of_the_sentence_decides_too() -> None:
    tokens = characters("see sea")
    log_probs = log_probs_of(tokens, {"s": 1.0}, {"e": 1.0}, {"_": 1.0}, {"a": 0.5, "e": 0.5})
    words: NGrams = {"<s>": (-99.0, 0.0), "see": (-0.5, 0.0), "sea": (-0.5, 0.0), "</s>": (TENTH, 0.0)}
    for ending in ("see", "sea"):
        ngrams = {**words, f"{ending} </s>": (-0.9, 0.0)}
        (best,) = search(tokens, language_model=ngrams)(log_probs, torch.tensor([4]), 0)
        assert tokens.decode(best) == ending


@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_sums_over_all_alignments_and_adds_what_the_words_score(seed: int) -> None:
    tokens = characters("a b")  # blank, space, a, b
    ngrams: NGrams = {
        "<s>": (-99.0, -0.2),
        "</s>": (-0.6, 0.0),
        "<unk>": (-1.5, 0.0),
        "a": (-0.5, -0.3),
        "ab": (-0.8, -0.1),
        "<s> ab": (-0.2, -0.4),
        "a a": (-0.4, 0.0),
        "<s> ab a": (-0.1, 0.0),
    }
    log_probs = (2 * torch.randn(5, 4, generator=torch.Generator().manual_seed(seed))).log_softmax(-1)
    expected = {}
    for text, probability in of_all_paths(log_probs, 0).items():
        written = tokens.decode(text)
        language = of_sentence(written.split(), ngrams)
        expected[text] = math.log(probability) + 0.7 * language + 0.9 * len(written.split())
    words = WordScores(ngrams, tokens, alpha=0.7, beta=0.9)
    frames = [list(enumerate(frame)) for frame in log_probs.tolist()]
    found = prefixes(frames, 0, beam_width=10_000, words=words)
    assert found == pytest.approx(expected, abs=1e-5)
    assert list(found) == sorted(found, key=lambda text: (-found[text], text))


def of_sentence(words: list[str], ngrams: NGrams) -> float:
    """Return the natural logarithm of a sentence's probability, by the definition of back-off."""

    def after(history: tuple[str, ...], word: str) -> float:
        if " ".join((*history, word)) in ngrams:
            return ngrams[" ".join((*history, word))][0]
        return ngrams.get(" ".join(history), (0.0, 0.0))[1] + after(history[1:], word)

    known = ["<s>", *(word if word in ngrams else "<unk>" for word in words), "</s>"]
    return math.log(10) * sum(
        after(tuple(known[max(0, place - 2) : place]), known[place]) for place in range(1, len(known))
    )


@pytest.mark.parametrize("width", [1, 4, 16])
def test_without_weight_a_language_model_changes_nothing(width: int) -> None:
    tokens = characters("see the sea")
    log_probs = torch.randn(3, 12, len(tokens.vocabulary), generator=torch.Generator().manual_seed(2))
    arguments = log_probs.log_softmax(-1), torch.tensor([12, 7, 0]), 0
    plain = search(tokens, beam_width=width, num_best=width)
    idle = search(tokens, beam_width=width, num_best=width, language_model=BIGRAMS, alpha=0.0, beta=0.0)
    assert idle.ranked(*arguments) == plain.ranked(*arguments)


def test_tokens_that_are_hardly_likely_are_left_out() -> None:
    tokens = characters("abc")
    log_probs = log_probs_of(tokens, {"a": 0.6, "b": 0.3, "c": 0.1})
    texts = [
        len(
            search(tokens, beam_width=9, num_best=9, cutoff_prob=share).ranked(
                log_probs, torch.tensor([1]), 0
            )[0]
        )
        for share in (0.5, 0.8, 0.95, 1.0)
    ]
    assert texts == [1, 2, 3, 3]


def test_equally_good_texts_come_in_the_order_of_their_tokens() -> None:
    tokens = characters("a b")
    ngrams: NGrams = {"<s>": (-99.0, 0.0), "</s>": (TENTH, 0.0), "a": (TENTH, 0.0), "b": (TENTH, 0.0)}
    log_probs = log_probs_of(tokens, {"a": 0.5, "b": 0.5}, {"_": 1.0}, {"a": 0.5, "b": 0.5})
    found = prefixes(
        [list(enumerate(frame)) for frame in log_probs[0].tolist()],
        0,
        8,
        WordScores(ngrams, tokens, 1.0, 0.0),
    )
    a, b = tokens.encode("ab")
    assert list(found) == list(itertools.product((a, b), repeat=2))
