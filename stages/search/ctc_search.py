"""The interface of searches over framewise log-probabilities.

B batch, T frames, V vocabulary.
"""

from abc import abstractmethod
from typing import Annotated

from torch import Tensor

from stages.schema.families import PROVIDED_TO_SEARCHES as PROVIDED
from stages.schema.part import Family, Part
from stages.search.search import Search


class CTCSearch(Search):
    """Turns log-probabilities (B, T, V) and frame counts (B,) into token indices, without blanks."""

    @abstractmethod
    def __call__(self, log_probs: Tensor, lengths: Tensor, blank_index: int) -> list[list[int]]: ...

    def ranked(self, log_probs: Tensor, lengths: Tensor, blank_index: int) -> list[list[list[int]]]:
        """Return the best sequences of each utterance, the best first; only one by default."""
        return [[best] for best in self(log_probs, lengths, blank_index)]


CTCSearchPart = Annotated[Part, Family("stages.search.ctc_search.CTCSearch", PROVIDED)]
