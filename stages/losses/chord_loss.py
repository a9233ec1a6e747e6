"""The interface of a chord loss.

B batch, V vocabulary (types, roots and basses concatenated).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated

from torch import Tensor, nn

from stages.schema.part import Family, Part


class ChordLoss(nn.Module, ABC):
    """The loss summed over a batch, and the number of chords.

    ``log_probs`` (B, V) of the concatenated groups of classes, ``sizes`` of the groups; ``targets`` (B, 3)
    are indices into all of V.
    """

    @abstractmethod
    def forward(self, log_probs: Tensor, targets: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor]: ...


ChordLossPart = Annotated[Part, Family("stages.losses.chord_loss.ChordLoss")]
