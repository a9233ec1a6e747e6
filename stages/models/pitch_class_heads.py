"""Chords from twelve pitch classes: each is tried as the root.

B batch, D width, H hidden width, V vocabulary (types, roots and basses concatenated).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.models.chord_heads import ChordHeads
from stages.schema.chords import CHORD_TYPES, PITCH_CLASSES
from stages.schema.quantities import PositiveInt


class PitchClassHeads(ChordHeads):
    """For an encoder whose twelve frames are the pitch classes from C on, such as PitchConformer.

    A circular convolution sees all pitch classes relative to a root, and scores the types of that root. Each
    type also gets the evidence of its own pitch classes, if schema.chords has them, which helps rare types. A
    softmax over all pairs of root and type is summed over roots for the type, and over types for the root.
    So a chord is scored in the same way in all keys.
    """

    num_positions = len(PITCH_CLASSES)

    members: Tensor

    def __init__(
        self,
        width: PositiveInt = 8,
        types: list[str] = list(CHORD_TYPES),  # noqa: B006 - never changed
        hidden_size: PositiveInt = 64,
    ) -> None:
        super().__init__()
        self.circle = nn.Conv1d(width, hidden_size, len(PITCH_CLASSES))
        self.types = nn.Conv1d(hidden_size, len(types), 1)
        self.evidence = nn.Conv1d(width, 1, 1)
        self.bass = nn.Conv1d(width, 1, 1)
        members = torch.zeros(len(types), 1, len(PITCH_CLASSES))
        for row, name in zip(members, types, strict=True):
            row[0, list(CHORD_TYPES.get(name, ()))] = 1
        self.register_buffer("members", members, persistent=False)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        classes = hidden.transpose(1, 2)  # (B, D, 12)
        circle = torch.cat([classes, classes[..., :-1]], dim=-1)  # (B, D, 23)
        scores = self.types(functional.gelu(self.circle(circle)))  # (B, types, 12)
        scores = scores + functional.conv1d(self.evidence(circle), self.members)
        joint = scores.flatten(1).log_softmax(-1).unflatten(1, scores.shape[1:])
        bass = self.bass(classes).squeeze(1).log_softmax(-1)
        return torch.cat([joint.logsumexp(2), joint.logsumexp(1), bass], dim=-1)
