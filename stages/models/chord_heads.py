"""The interface of heads, which turn an encoder's output into scores of a chord's type, root and bass.

B batch, T' frames, D width, V vocabulary (types, roots and basses concatenated).
"""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

from torch import Tensor, nn

from stages.schema.part import Family, Part


class ChordHeads(nn.Module, ABC):
    """A representation (B, T', D) and its counts (B,) to log-probabilities (B, V), normalised in each group.

    ``num_positions`` is the number of frames that it needs, if it needs an encoder with a fixed number.
    """

    num_positions: ClassVar[int | None] = None

    @abstractmethod
    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor: ...


ChordHeadsPart = Annotated[
    Part,
    Family(
        "stages.models.chord_heads.ChordHeads",
        {"width": "the encoder's output size", "types": "the tokens' chord types"},
    ),
]
