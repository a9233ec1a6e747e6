"""Best path decoding on small examples: a path has one letter per frame, _ for the blank."""

import pytest
import torch
from torch import Tensor

from stages.search.greedy import Greedy

LETTERS = "_helo"


def log_probs(*paths: str) -> Tensor:
    """Return (B, T, V): in each frame its letter has 0.6 and every other one 0.1."""
    indices = torch.tensor([[LETTERS.index(letter) for letter in path] for path in paths])
    return (torch.full((*indices.shape, 5), 0.1).scatter(-1, indices.unsqueeze(-1), 0.6)).log()


def decode(path: str, length: int | None = None) -> str:
    (found,) = Greedy()(log_probs(path), torch.tensor([length or len(path)]), blank_index=0)
    return "".join(LETTERS[index] for index in found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("l_l", "ll"),
        ("ll", "l"),
        ("l__l", "ll"),
        ("_ll__", "l"),
        ("heel_lo", "hello"),
        ("hhheellloo", "helo"),
        ("____", ""),
        ("h", "h"),
    ],
)
def test_repeats_are_collapsed_before_blanks_are_dropped(path: str, text: str) -> None:
    assert decode(path) == text


def test_frames_beyond_the_length_are_ignored() -> None:
    assert decode("he_ooo", length=3) == "he"


def test_every_utterance_has_its_own_length() -> None:
    found = Greedy()(log_probs("hhoo", "hhoo"), torch.tensor([4, 2]), blank_index=0)
    assert found == [[1, 4], [1]]


def test_the_blank_can_be_the_last_token() -> None:
    found = Greedy()(log_probs("_oo_o"), torch.tensor([5]), blank_index=4)
    assert found == [[0, 0]]


def test_the_token_at_index_0_is_one_like_any_other_when_the_blank_is_last() -> None:
    assert Greedy()(log_probs("_h_"), torch.tensor([3]), blank_index=4) == [[0, 1, 0]]
