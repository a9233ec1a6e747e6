"""What a search answers.

B batch, T frames, V vocabulary.
"""

from abc import ABC, abstractmethod
from typing import Annotated

from torch import Tensor

from stages.schema.part import Family, Part


class Search(ABC):
    """Log-probabilities (B, T, V) and frame counts (B,) to token indices per utterance, without blanks."""

    @abstractmethod
    def __call__(self, log_probs: Tensor, lengths: Tensor, blank_index: int) -> list[list[int]]: ...


SearchPart = Annotated[Part, Family("stages.search.search.Search")]
