"""Beam search with length normalisation (Wu et al. 2016, https://arxiv.org/abs/1609.08144, section 7).

B batch, N beam width, T frames, D width, V vocabulary.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from stages.models.decoder import Decoder, Tensors
from stages.schema.quantities import NonNegativeFloat, PositiveFloat, PositiveInt
from stages.search.decoder_search import Candidate, DecoderSearch

NEVER = float("-inf")


class DecoderBeam(DecoderSearch):
    """Extends the ``beam_width`` best prefixes of each utterance; a prefix is finished at the boundary.

    A score is the log-probability, boundary included, divided by ((5 + tokens) / 6) ** ``length_exponent``,
    so that short texts do not win only because they are short. In each step, finished texts among the
    ``beam_width`` best continuations leave the beam. The search of an utterance ends when no prefix can reach
    the ``num_best`` any more (its score is at most its log-probability, normalised by the longest length), or
    at the limit of tokens, where unfinished candidates rank last. A width of 1 is the greedy search.
    """

    def __init__(
        self,
        beam_width: PositiveInt = 5,
        num_best: PositiveInt = 1,
        length_exponent: NonNegativeFloat = 0.6,
        max_tokens_per_frame: PositiveFloat = 1.0,
    ) -> None:
        super().__init__(max_tokens_per_frame)
        self.beam_width = beam_width
        self.num_best = num_best
        self.length_exponent = length_exponent

    @staticmethod
    def check_arguments(beam_width: int = 5, num_best: int = 1, **_: object) -> None:
        if num_best > beam_width:
            raise ValueError(f"num_best {num_best} is more than beam_width {beam_width}")

    def __call__(
        self, decoder: Decoder, encoded: Tensor, lengths: Tensor, boundary: int
    ) -> list[list[Candidate]]:
        beams = [Beam(limit, self) for limit in self.limits(lengths)]
        num_beams, width = len(beams), self.beam_width
        first = torch.arange(num_beams, device=encoded.device) * width  # each utterance's first row
        memory = _rows(decoder.remember(encoded, lengths), first.repeat_interleave(width) // width)
        state = decoder.start(memory)
        tokens = torch.full((num_beams * width,), boundary, device=encoded.device)
        scores = encoded.new_full((num_beams, width), NEVER)
        scores[:, 0] = 0.0  # all rows are equal at first
        while any(not beam.done for beam in beams):
            log_probs, state = decoder.step(tokens, memory, state)
            size = log_probs.shape[1]
            totals = (scores.unsqueeze(-1) + log_probs.view(num_beams, width, size)).flatten(1)
            best = totals.topk(width)
            ranked = zip(beams, best.values.tolist(), best.indices.tolist(), strict=True)
            kept = [beam.advance(values, indices, size, boundary) for beam, values, indices in ranked]
            rows, chosen = torch.tensor([[step[:2] for step in steps] for steps in kept]).to(first).unbind(-1)
            scores = torch.tensor([[step.score for step in steps] for steps in kept]).to(scores)
            state = _rows(state, (first[:, None] + rows).flatten())
            tokens = chosen.flatten()
        return [beam.best() for beam in beams]


class Step(NamedTuple):
    """A continuation: the row of its prefix in the beam, the next token, and the score."""

    row: int
    token: int
    score: float


class Beam:
    """The prefixes and the finished candidates of one utterance."""

    def __init__(self, limit: int, search: DecoderBeam) -> None:
        self.limit, self.search = limit, search
        self.beginnings: list[Candidate] = [Candidate([], 0.0)] * search.beam_width
        self.finished: list[Candidate] = []
        self.done = False

    def advance(
        self, values: list[float], indices: list[int], vocabulary_size: int, boundary: int
    ) -> list[Step]:
        """Take the best continuations in order, and return those to continue with, one for each row."""
        steps: list[Step] = []
        for value, index in zip(values, indices, strict=True):
            row, token = divmod(index, vocabulary_size)
            if token != boundary:
                steps.append(Step(row, token, value))
            elif value > NEVER and not self.done:
                tokens = self.beginnings[row].tokens
                self.finished.append(Candidate(tokens, self._normalized(value, len(tokens))))
        steps += [Step(0, boundary, NEVER)] * (len(values) - len(steps))
        if not self.done:
            self.beginnings = [
                Candidate([*self.beginnings[step.row].tokens, step.token], step.score) for step in steps
            ]
            self.done = self._nothing_better_can_come()
        return steps

    def best(self) -> list[Candidate]:
        """Return the ``num_best`` candidates, the best first."""
        going = [
            Candidate(tokens, self._normalized(score, len(tokens)))
            for tokens, score in self.beginnings
            if score > NEVER
        ]
        ranked = [sorted(part, key=lambda candidate: -candidate.score) for part in (self.finished, going)]
        return [*ranked[0], *ranked[1]][: self.search.num_best]

    def _nothing_better_can_come(self) -> bool:
        best = max(beginning.score for beginning in self.beginnings)
        if best == NEVER or len(self.beginnings[0].tokens) >= self.limit:
            return True
        # log-probabilities only decrease, and a finished text has fewer tokens than the limit
        possible = self._normalized(best, self.limit - 1)
        return sum(candidate.score >= possible for candidate in self.finished) >= self.search.num_best

    def _normalized(self, log_prob: float, num_tokens: int) -> float:
        return log_prob / ((5 + num_tokens) / 6) ** self.search.length_exponent


def _rows(tensors: Tensors, rows: Tensor) -> Tensors:
    return {name: tensor[rows] for name, tensor in tensors.items()}
