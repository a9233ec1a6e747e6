"""A beam that holds all prefixes, compared with all texts: the early end loses nothing.

V vocabulary: the boundary 0, then a and b.
"""

import itertools
import math

import pytest
import torch
from test_search_decoder import Table
from torch import Tensor

from stages.models.decoder import Tensors
from stages.search.decoder_beam import DecoderBeam
from stages.search.decoder_search import Candidate

LIMIT = 4  # frames, and tokens
Rows = dict[tuple[int, ...], list[float]]


def drawn(seed: int, end: float, power: float = 2.0) -> Rows:
    """Draw probabilities of the next token after each prefix: ``end`` weights the boundary, and with a high
    ``power`` one of the three tokens is nearly certain.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = torch.tensor([end, 1.0, 1.0])
    texts = (text for size in range(LIMIT + 1) for text in itertools.product((1, 2), repeat=size))
    rows = {text: torch.rand(3, generator=generator) ** power * weights + 1e-3 for text in texts}
    return {text: (row / row.sum()).tolist() for text, row in rows.items()}


def all_texts(rows: Rows, exponent: float) -> list[Candidate]:
    """Return texts that end below the limit, the best first, then those that the limit cuts."""
    ended, cut = [], []
    for size in range(LIMIT + 1):
        for text in itertools.product((1, 2), repeat=size):
            path = [*text, 0] if size < LIMIT else list(text)
            total = sum(math.log(rows[text[:place]][token]) for place, token in enumerate(path))
            found = Candidate(list(text), total / ((5 + size) / 6) ** exponent)
            (ended if size < LIMIT else cut).append(found)
    return [candidate for part in (ended, cut) for candidate in sorted(part, key=lambda found: -found.score)]


@pytest.mark.parametrize("end", [0.05, 0.3, 1.0, 4.0], ids=lambda end: f"end-{end}")
@pytest.mark.parametrize("exponent", [0.0, 0.6, 1.0, 3.0])
@pytest.mark.parametrize("num_best", [1, 2, 5, 20])
def test_the_best_texts_are_found_in_their_order(end: float, exponent: float, num_best: int) -> None:
    search = DecoderBeam(beam_width=32, num_best=num_best, length_exponent=exponent)
    for seed in range(8):
        rows = drawn(seed, end, power=2.0 if seed % 2 else 12.0)
        (found,) = search(Table(rows), torch.zeros(1, LIMIT, 2), torch.tensor([LIMIT]), boundary=0)
        expected = all_texts(rows, exponent)[:num_best]
        assert [candidate.tokens for candidate in found] == [candidate.tokens for candidate in expected]
        assert [candidate.score for candidate in found] == pytest.approx(
            [candidate.score for candidate in expected], rel=1e-4
        )


def test_utterances_of_one_batch_end_on_their_own() -> None:
    rows = drawn(0, 0.3)
    search = DecoderBeam(beam_width=32, num_best=3, length_exponent=1.0)
    lengths = torch.tensor([4, 1, 3, 2])
    together = search(Table(rows), torch.zeros(4, LIMIT, 2), lengths, boundary=0)
    for row, length in zip(together, lengths, strict=True):
        (alone,) = search(Table(rows), torch.zeros(1, LIMIT, 2), length[None], boundary=0)
        assert row == alone
        assert max(len(candidate.tokens) for candidate in row) <= length


class Counted(Table):
    steps = 0

    def step(self, tokens: Tensor, memory: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
        self.steps += 1
        return super().step(tokens, memory, state)


@pytest.mark.parametrize(("num_best", "steps"), [(1, 3), (2, 4)])
def test_the_search_goes_on_for_exactly_as_long_as_something_better_may_come(
    num_best: int, steps: int
) -> None:
    # "" 1/16, a 15/256, aa 675/1024; unfinished prefixes keep 225/1024: aaa has half, aaaa half of the rest
    rows = {(): [1 / 16, 15 / 16, 0.0], (1,): [1 / 16, 15 / 16, 0.0], (1, 1): [0.75, 0.25, 0.0]}
    rows |= {(1,) * count: [0.5, 0.5, 0.0] for count in range(3, 9)}
    decoder = Counted(rows)
    search = DecoderBeam(beam_width=2, num_best=num_best, length_exponent=0.0)
    search(decoder, torch.zeros(1, 8, 2), torch.tensor([8]), boundary=0)
    assert decoder.steps == steps


@pytest.mark.parametrize(("sure", "steps"), [(0.655, 1), (0.64, 8)])
def test_what_may_come_is_as_long_as_the_longest_text_that_can_end(sure: float, steps: int) -> None:
    # 8 frames allow 7 tokens: log 0.655 / (5 / 6) is -0.508, and log 0.345 / (12 / 6) -0.532;
    # log 0.64 / (5 / 6) is -0.536, and log 0.36 / (12 / 6) -0.511
    rows = {(1,) * count: [0.0, 1.0, 0.0] for count in range(1, 7)}
    decoder = Counted({(): [sure, 1 - sure, 0.0], **rows})
    search = DecoderBeam(beam_width=2, length_exponent=1.0)
    ((best,),) = search(decoder, torch.zeros(1, 8, 2), torch.tensor([8]), boundary=0)
    assert (best.tokens, decoder.steps) == ([1] * (steps - 1), steps)


def test_impossible_texts_are_no_candidates() -> None:
    search = DecoderBeam(beam_width=3, num_best=3)
    only = Table({(): [0.25, 0.75, 0.0], (1,): [1.0, 0.0, 0.0]})
    (found,) = search(only, torch.zeros(1, 9, 2), torch.tensor([9]), boundary=0)
    assert [candidate.tokens for candidate in found] == [[1], []]
