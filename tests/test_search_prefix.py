"""Prefix beam search, on small examples and against all paths; tests of all CTC searches.

B batch, T frames, V vocabulary: the blank 0, then a and b.
"""

import itertools
import math

import pytest
import torch
from family import classes_of
from padding import PADDINGS, padded

from stages.search.ctc_search import CTCSearch
from stages.search.greedy import Greedy
from stages.search.prefix_beam import PrefixBeam, prefixes
from stages.tasks.task import Hypothesis

SEARCHES = classes_of(CTCSearch)


def frames(*probabilities: list[float]) -> torch.Tensor:
    """(1, T, V)."""
    return torch.tensor([probabilities]).log()


def of_all_paths(log_probs: torch.Tensor, blank: int) -> dict[tuple[int, ...], float]:
    """Return the probability of each text: the sum over its alignments."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        probability = math.exp(sum(log_probs[frame, token].item() for frame, token in enumerate(path)))
        text = tuple(token for token, _ in itertools.groupby(path) if token != blank)
        found[text] = found.get(text, 0.0) + probability
    return found


@pytest.fixture(params=SEARCHES, ids=lambda cls: cls.__name__)
def search(request: pytest.FixtureRequest) -> CTCSearch:
    found: CTCSearch = request.param()
    return found


def test_the_searches_are_found() -> None:
    assert {Greedy, PrefixBeam} <= set(SEARCHES)


@pytest.mark.parametrize("padding", PADDINGS)
def test_padding_and_the_rest_of_the_batch_change_nothing(search: CTCSearch, padding: str) -> None:
    lengths = torch.tensor([7, 4, 1])
    log_probs = torch.randn(3, 7, 3, generator=torch.Generator().manual_seed(1)).log_softmax(-1)
    found = search.ranked(padded(log_probs, lengths, padding, num_more=5), lengths, 0)
    for row, length in enumerate(lengths.tolist()):
        assert search.ranked(log_probs[row : row + 1, :length], lengths[row : row + 1], 0) == [found[row]]


def test_the_first_of_the_ranked_is_what_is_found_every_time(search: CTCSearch) -> None:
    log_probs = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(2)).log_softmax(-1)
    given = log_probs.clone()
    found = search(log_probs, torch.tensor([9, 5]), 0)
    assert [ranked[0] for ranked in search.ranked(log_probs, torch.tensor([9, 5]), 0)] == found
    assert search(log_probs, torch.tensor([9, 5]), 0) == found
    assert log_probs.equal(given)


@pytest.mark.parametrize("blank", [0, 2])
def test_a_clear_path_is_collapsed_before_blanks_are_dropped(search: CTCSearch, blank: int) -> None:
    path = torch.tensor([[1, 1, blank, 1, blank, blank]])
    log_probs = torch.full((1, 6, 3), 0.01).scatter(-1, path.unsqueeze(-1), 0.98).log()
    assert search(log_probs, torch.tensor([6]), blank) == [[1, 1]]
    assert search(log_probs, torch.tensor([2]), blank) == [[1]]
    assert search.ranked(log_probs, torch.tensor([6]), blank)[0][0] == [1, 1]


def test_the_alignments_of_a_text_count_together() -> None:
    # the best path is two blanks, 0.36; but a a, a blank and blank a have 0.64 together
    log_probs = frames([0.6, 0.4, 0.0], [0.6, 0.4, 0.0])
    assert Greedy()(log_probs, torch.tensor([2]), 0) == [[]]
    assert PrefixBeam(num_best=2).ranked(log_probs, torch.tensor([2]), 0) == [[[1], []]]
    found = prefixes([[(0, math.log(0.6)), (1, math.log(0.4))]] * 2, 0, beam_width=4)
    assert {text: math.exp(score) for text, score in found.items()} == pytest.approx({(1,): 0.64, (): 0.36})


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_sums_over_all_paths(seed: int, blank: int) -> None:
    log_probs = (2 * torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))).log_softmax(-1)
    expected = of_all_paths(log_probs, blank)
    found = prefixes([list(enumerate(frame)) for frame in log_probs.tolist()], blank, beam_width=1000)
    assert {text: math.exp(score) for text, score in found.items()} == pytest.approx(expected, abs=1e-6)
    assert list(found) == sorted(found, key=lambda text: -found[text])


@pytest.mark.parametrize("seed", range(5))
def test_the_widest_beam_finds_the_most_likely_text(seed: int) -> None:
    log_probs = torch.randn(6, 3, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)
    everything = of_all_paths(log_probs, 0)
    (best,) = PrefixBeam(beam_width=200)(log_probs[None], torch.tensor([6]), 0)
    assert everything[tuple(best)] == max(everything.values())


def test_every_utterance_has_its_own_length() -> None:
    log_probs = frames([0.1, 0.8, 0.1], [0.1, 0.1, 0.8]).repeat(2, 1, 1)
    assert PrefixBeam()(log_probs, torch.tensor([2, 1]), 0) == [[1, 2], [1]]


def test_ranked_texts_are_alternatives_and_one_text_is_none() -> None:
    assert Hypothesis.of(["a", "b", "a"]).alternatives == ("a", "b")
    assert Hypothesis.of(["a"], 1, 2) == Hypothesis("a", 1, 2, ())


def test_more_texts_than_the_beam_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="num_best 9 is more than beam_width 8"):
        PrefixBeam.check_arguments(beam_width=8, num_best=9)
