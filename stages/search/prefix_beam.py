"""Prefix beam search for CTC (Hannun et al. 2014, https://arxiv.org/abs/1408.2873), without a language model.

B batch, T frames, V vocabulary.
"""

import math
from collections import defaultdict
from collections.abc import Iterable

from torch import Tensor

from stages.schema.quantities import PositiveInt
from stages.search.ctc_search import CTCSearch

Prefix = tuple[int, ...]
Frame = list[tuple[int, float]]  # tokens and their log-probabilities
NEVER = (-math.inf, -math.inf)


class PrefixBeam(CTCSearch):
    """The texts whose alignments are the most likely together, of which greedy decoding sees one.

    After every frame the ``beam_width`` most likely beginnings go on, with the ``num_tokens`` most likely
    tokens of the next one. ``num_best`` texts are ranked.
    """

    def __init__(
        self, beam_width: PositiveInt = 16, num_best: PositiveInt = 1, num_tokens: PositiveInt = 20
    ) -> None:
        self.beam_width = beam_width
        self.num_best = num_best
        self.num_tokens = num_tokens

    @staticmethod
    def check_arguments(beam_width: int = 16, num_best: int = 1, **_: object) -> None:
        if num_best > beam_width:
            raise ValueError(f"num_best {num_best} is more than beam_width {beam_width}")

    def __call__(self, log_probs: Tensor, lengths: Tensor, blank_index: int) -> list[list[int]]:
        return [ranked[0] for ranked in self.ranked(log_probs, lengths, blank_index)]

    def ranked(self, log_probs: Tensor, lengths: Tensor, blank_index: int) -> list[list[list[int]]]:
        best = log_probs.topk(min(self.num_tokens, log_probs.shape[-1]))
        rows = zip(best.indices.tolist(), best.values.tolist(), lengths.tolist(), strict=True)
        found = []
        for indices, values, length in rows:
            frames = [
                list(zip(*frame, strict=True))
                for frame in zip(indices[:length], values[:length], strict=True)
            ]
            scores = prefixes(frames, blank_index, self.beam_width)
            found.append([list(prefix) for prefix in list(scores)[: self.num_best]])
        return found


def prefixes(frames: Iterable[Frame], blank_index: int, beam_width: int) -> dict[Prefix, float]:
    """The most likely texts with their log-probabilities, the best first."""
    beam: dict[Prefix, tuple[float, float]] = {(): (0.0, -math.inf)}  # ending in a blank, and in a token
    for frame in frames:
        extended: dict[Prefix, tuple[float, float]] = defaultdict(lambda: NEVER)
        for prefix, (in_blank, in_token) in beam.items():
            either = _sum(in_blank, in_token)
            for token, log_prob in frame:
                if token == blank_index:
                    ending = extended[prefix]
                    extended[prefix] = (_sum(ending[0], either + log_prob), ending[1])
                    continue
                repeats = prefix[-1:] == (token,)
                longer = extended[(*prefix, token)]
                before = in_blank if repeats else either  # a repeat after no blank is no new token
                extended[(*prefix, token)] = (longer[0], _sum(longer[1], before + log_prob))
                if repeats:
                    ending = extended[prefix]
                    extended[prefix] = (ending[0], _sum(ending[1], in_token + log_prob))
        possible = [item for item in extended.items() if item[1] != NEVER]
        ranked = sorted(possible, key=lambda item: (-_sum(*item[1]), item[0]))
        beam = dict(ranked[:beam_width])
    return {prefix: _sum(*endings) for prefix, endings in beam.items()}


def _sum(first: float, second: float) -> float:
    """The logarithm of the sum of two probabilities that are given as logarithms."""
    high, low = max(first, second), min(first, second)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
