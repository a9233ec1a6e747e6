"""Searches over a decoder's tokens, with decoders of given probabilities.

B batch, T frames, V vocabulary: the boundary 0, then a and b.
"""

import itertools
import math

import pytest
import torch
from family import classes_of
from padding import PADDINGS, padded
from torch import Tensor, nn

from stages.models.decoder import Decoder, Tensors
from stages.models.speller import Speller
from stages.models.tds_decoder import TDSDecoder
from stages.search.decoder_beam import DecoderBeam
from stages.search.decoder_greedy import DecoderGreedy
from stages.search.decoder_search import DecoderSearch

SEARCHES = classes_of(DecoderSearch)
LENGTHS = torch.tensor([6, 3, 1])


class Table(Decoder):
    """The probabilities of the next token after each prefix; prefixes that are not listed end."""

    def __init__(self, table: dict[tuple[int, ...], list[float]]) -> None:
        super().__init__()
        self.embedding, self.output = nn.Embedding(3, 1), nn.Linear(1, 3)
        self.table = table

    def remember(self, encoded: Tensor, lengths: Tensor) -> Tensors:
        return {"frames": encoded}

    def start(self, memory: Tensors) -> Tensors:
        return {"read": torch.zeros(len(memory["frames"]), 0, dtype=torch.int64)}

    def step(self, tokens: Tensor, memory: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
        read = torch.cat([state["read"], tokens[:, None]], dim=1)
        rows = [self.table.get(tuple(row[1:]), [1.0, 0.0, 0.0]) for row in read.tolist()]
        return torch.tensor(rows).log(), {"read": read}


# the best first token leads to a worse text than the second best
GARDEN_PATH = Table(
    {(): [0.1, 0.5, 0.4], (1,): [0.4, 0.3, 0.3], (2,): [0.05, 0.9, 0.05], (2, 1): [0.9, 0.05, 0.05]}
)
FRAMES = torch.zeros(1, 4, 2), torch.tensor([4])


def exhaustive(decoder: Decoder, encoded: Tensor, exponent: float, limit: int) -> float:
    """Return the best normalised score of all texts shorter than the limit."""
    best = -math.inf
    for size in range(limit):
        for text in itertools.product(range(1, 3), repeat=size):
            inputs = torch.tensor([[0, *text]])
            log_probs = decoder(encoded, torch.tensor([encoded.shape[1]]), inputs, torch.tensor([size + 1]))
            total = sum(log_probs[0, place, token].item() for place, token in enumerate([*text, 0]))
            best = max(best, total / ((5 + size) / 6) ** exponent)
    return best


@pytest.fixture(params=[Speller, TDSDecoder], ids=lambda cls: cls.__name__)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    """New weights, larger than the default, so that texts differ."""
    torch.manual_seed(3)
    fresh: Decoder = request.param(memory_size=4, vocabulary_size=3)
    nn.init.normal_(fresh.output.weight, std=1.0)
    return fresh.eval().requires_grad_(False)


@pytest.fixture
def encoded() -> Tensor:
    return torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=SEARCHES, ids=lambda cls: cls.__name__)
def search(request: pytest.FixtureRequest) -> DecoderSearch:
    found: DecoderSearch = request.param()
    return found


def test_the_searches_are_found() -> None:
    assert {DecoderGreedy, DecoderBeam} <= set(SEARCHES)


def test_greedy_takes_the_best_token_each_time() -> None:
    ((candidate,),) = DecoderGreedy()(GARDEN_PATH, *FRAMES, boundary=0)
    assert candidate.tokens == [1]
    assert candidate.score == pytest.approx(math.log(0.5 * 0.4))


def test_a_beam_finds_the_text_behind_the_second_best_token() -> None:
    ((best, second),) = DecoderBeam(beam_width=3, num_best=2, length_exponent=0.0)(
        GARDEN_PATH, *FRAMES, boundary=0
    )
    assert best.tokens == [2, 1]
    assert best.score == pytest.approx(math.log(0.4 * 0.9 * 0.9))
    assert second.tokens == [1]
    assert second.score == pytest.approx(math.log(0.5 * 0.4))


def test_normalisation_divides_by_five_and_the_tokens_over_six() -> None:
    ((best,),) = DecoderBeam(beam_width=3, length_exponent=0.6)(GARDEN_PATH, *FRAMES, boundary=0)
    assert best.score == pytest.approx(math.log(0.4 * 0.9 * 0.9) / (7 / 6) ** 0.6)


def test_normalisation_lets_the_longer_text_win() -> None:
    # "" has 0.4; "ab" 0.6 * 0.7 * 0.8 = 0.336
    table = Table({(): [0.4, 0.6, 0.0], (1,): [0.1, 0.2, 0.7], (1, 2): [0.8, 0.1, 0.1]})
    texts = [
        DecoderBeam(beam_width=3, length_exponent=exponent)(table, *FRAMES, boundary=0)[0][0].tokens
        for exponent in (0.0, 2.0)
    ]
    assert texts == [[], [1, 2]]


def test_a_beam_of_one_is_greedy(decoder: Decoder, encoded: Tensor) -> None:
    greedy = DecoderGreedy()(decoder, encoded, LENGTHS, boundary=0)
    beam = DecoderBeam(beam_width=1)(decoder, encoded, LENGTHS, boundary=0)
    assert [row[0].tokens for row in beam] == [row[0].tokens for row in greedy]


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_the_best_of_all_texts(decoder: Decoder, seed: int) -> None:
    encoded = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(seed))
    scores = []
    for width in (1, 2, 32):
        ((best,),) = DecoderBeam(beam_width=width)(decoder, encoded, torch.tensor([4]), boundary=0)
        if len(best.tokens) < 4:  # finished
            scores.append(best.score)
    assert all(wider > narrower - 1e-5 for narrower, wider in itertools.pairwise(scores))
    assert scores[-1] == pytest.approx(exhaustive(decoder, encoded, 0.6, 4), rel=1e-4)


@pytest.mark.parametrize("width", [2, 3, 5])
@pytest.mark.parametrize("size", range(1, 7))
def test_texts_that_ended_early_do_not_keep_a_better_one_from_ending(width: int, size: int) -> None:
    # 0.3 to end after each a, and 1 after the last
    table = Table({(1,) * count: [0.3, 0.69, 0.01] for count in range(size)})
    ended = [count * math.log(0.69) + math.log(0.3 if count < size else 1.0) for count in range(size + 1)]
    scores = [total / ((5 + count) / 6) ** 2.0 for count, total in enumerate(ended)]
    frames = torch.zeros(1, 40, 2), torch.tensor([40])
    found = DecoderBeam(beam_width=width, num_best=2, length_exponent=2.0)(table, *frames, boundary=0)[0]
    assert [candidate.score for candidate in found] == pytest.approx(sorted(scores)[:-3:-1])


def test_a_beam_is_done_when_nothing_better_can_come() -> None:
    class Counted(Table):
        steps = 0

        def step(self, tokens: Tensor, memory: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
            self.steps += 1
            return super().step(tokens, memory, state)

    sure = Counted({(): [0.9, 0.05, 0.05], **{(1,) * count: [0.0, 1.0, 0.0] for count in range(1, 40)}})
    frames = torch.zeros(1, 40, 2), torch.tensor([40])
    ((best,),) = DecoderBeam(beam_width=3)(sure, *frames, boundary=0)
    # log 0.9 = -0.11, and log 0.05 over the longest text's (44 / 6) ** 0.6 is -0.91
    assert (best.tokens, sure.steps) == ([], 1)


@pytest.mark.parametrize("width", [1, 5])
def test_a_vocabulary_of_the_boundary_alone_gives_empty_texts(width: int) -> None:
    decoder = Speller(memory_size=4, vocabulary_size=1).eval()
    found = DecoderBeam(beam_width=width)(decoder, torch.zeros(2, 6, 4), torch.tensor([6, 3]), boundary=0)
    assert [[candidate.tokens for candidate in row] for row in found] == [[[]], [[]]]


def test_what_never_ends_is_cut_at_a_limit_that_grows_with_the_utterance(
    search: DecoderSearch, encoded: Tensor
) -> None:
    texts = (text for size in range(9) for text in itertools.product((1, 2), repeat=size))
    endless = Table({text: [0.0, 0.6, 0.4] for text in texts})
    found = search(endless, encoded, LENGTHS, boundary=0)
    assert [row[0].tokens for row in found] == [[1] * 6, [1] * 3, [1]]
    search.max_tokens_per_frame = 0.5
    assert [len(row[0].tokens) for row in search(endless, encoded, LENGTHS, boundary=0)] == [3, 2, 1]


def test_the_rest_of_the_batch_changes_nothing(
    search: DecoderSearch, decoder: Decoder, encoded: Tensor
) -> None:
    together = search(decoder, encoded, LENGTHS, boundary=0)
    for row, length in enumerate(LENGTHS):
        (alone,) = search(decoder, encoded[row : row + 1, :length], length[None], boundary=0)
        assert [candidate.tokens for candidate in alone] == [candidate.tokens for candidate in together[row]]


@pytest.mark.parametrize("padding", PADDINGS)
def test_padding_changes_nothing(
    search: DecoderSearch, decoder: Decoder, encoded: Tensor, padding: str
) -> None:
    found = search(decoder, padded(encoded, LENGTHS, padding, num_more=9), LENGTHS, boundary=0)
    plain = search(decoder, encoded, LENGTHS, boundary=0)
    assert [[each.tokens for each in row] for row in found] == [
        [each.tokens for each in row] for row in plain
    ]


def test_the_best_comes_first_without_the_boundary_and_every_time(
    search: DecoderSearch, decoder: Decoder, encoded: Tensor
) -> None:
    found = search(decoder, encoded, LENGTHS, boundary=0)
    assert found == search(decoder, encoded, LENGTHS, boundary=0)
    for row in found:
        assert [each.score for each in row] == sorted((each.score for each in row), reverse=True)
        assert not any(0 in each.tokens for each in row)


def test_the_boundary_can_be_the_last_token(search: DecoderSearch) -> None:
    turned = Table({(): [0.4, 0.5, 0.1], (1,): [0.3, 0.3, 0.4], (0,): [0.0, 0.0, 1.0]})
    found = search(turned, *FRAMES, boundary=2)
    assert not any(2 in candidate.tokens for candidate in found[0])
    assert DecoderGreedy()(turned, *FRAMES, boundary=2)[0][0].tokens == [1]


def test_more_candidates_than_the_beam_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="num_best 6 is more than beam_width 5"):
        DecoderBeam.check_arguments(beam_width=5, num_best=6)
