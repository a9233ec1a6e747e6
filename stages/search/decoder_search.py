"""The interface of searches over a decoder's tokens.

B batch, T frames, D width.
"""

import math
from abc import abstractmethod
from typing import Annotated, NamedTuple

from torch import Tensor

from stages.models.decoder import Decoder
from stages.schema.part import Family, Part
from stages.schema.quantities import PositiveFloat
from stages.search.search import Search


class Candidate(NamedTuple):
    """Token indices without the boundary, and their score."""

    tokens: list[int]
    score: float


class DecoderSearch(Search):
    """Turns encoder frames (B, T, D) and their counts (B,) into candidates per utterance, the best first.

    Every text starts and ends with the token ``boundary``. A candidate has at most
    ``max_tokens_per_frame`` times as many tokens as its utterance has frames.
    """

    def __init__(self, max_tokens_per_frame: PositiveFloat = 1.0) -> None:
        self.max_tokens_per_frame = max_tokens_per_frame

    @abstractmethod
    def __call__(
        self, decoder: Decoder, encoded: Tensor, lengths: Tensor, boundary: int
    ) -> list[list[Candidate]]: ...

    def limits(self, lengths: Tensor) -> list[int]:
        """Return the maximal number of tokens for each frame count."""
        return [math.ceil(self.max_tokens_per_frame * count) for count in lengths.tolist()]


DecoderSearchPart = Annotated[Part, Family("stages.search.decoder_search.DecoderSearch")]
