"""Greedy decoding: the most likely next token.

B batch, T frames, D width, V vocabulary.
"""

import torch
from torch import Tensor

from stages.models.decoder import Decoder
from stages.search.decoder_search import Candidate, DecoderSearch


class DecoderGreedy(DecoderSearch):
    """One candidate per utterance; its score is its log-probability."""

    def __call__(
        self, decoder: Decoder, encoded: Tensor, lengths: Tensor, boundary: int
    ) -> list[list[Candidate]]:
        memory = decoder.remember(encoded, lengths)
        state = decoder.start(memory)
        limits = torch.tensor(self.limits(lengths), device=encoded.device)
        tokens = torch.full_like(lengths, boundary)
        scores = encoded.new_zeros(len(lengths))
        counts = torch.zeros_like(lengths)
        going = torch.ones_like(lengths, dtype=torch.bool)
        path = []
        while going.any():
            log_probs, state = decoder.step(tokens, memory, state)
            best, tokens = log_probs.max(-1)  # (B,)
            scores = scores + best * going
            going = going & (tokens != boundary)
            counts = counts + going
            path.append(tokens)
            going = going & (counts < limits)
        rows = torch.stack(path, dim=1).tolist()
        found = zip(rows, counts.tolist(), scores.tolist(), strict=True)
        return [[Candidate(row[:count], score)] for row, count, score in found]
