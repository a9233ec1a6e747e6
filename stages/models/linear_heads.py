"""Three linear layers over the mean of an encoder's frames."""

import torch
from torch import Tensor, nn

from stages.models.chord_heads import ChordHeads
from stages.padding.mask import frame_mask
from stages.schema.chords import CHORD_TYPES, PITCH_CLASSES
from stages.schema.quantities import PositiveInt


class LinearHeads(ChordHeads):
    """For any encoder: type, root and bass, each a linear layer with a softmax."""

    def __init__(
        self,
        width: PositiveInt = 8,
        types: list[str] = list(CHORD_TYPES),  # noqa: B006 - never changed
    ) -> None:
        super().__init__()
        sizes = (len(types), len(PITCH_CLASSES), len(PITCH_CLASSES))
        self.heads = nn.ModuleList(nn.Linear(width, size) for size in sizes)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        mask = frame_mask(lengths, hidden.shape[1]).unsqueeze(-1)
        pooled = (hidden * mask).sum(1) / lengths.unsqueeze(-1)  # (B, D)
        return torch.cat([head(pooled).log_softmax(-1) for head in self.heads], dim=-1)
