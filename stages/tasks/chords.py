"""Recognition of one chord: its type, its root and its bass.

B batch, T frames, F features, D width, V vocabulary (types, roots and basses concatenated).
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from stages.batching.batch import Batch
from stages.losses.chord_loss import ChordLoss, ChordLossPart
from stages.models.chord_heads import ChordHeads, ChordHeadsPart
from stages.models.encoder import Encoder, EncoderPart
from stages.schema.families import MetricPart
from stages.schema.part import Part
from stages.schema.quantities import PositiveInt
from stages.search.search import Search
from stages.tasks.task import Encoded, Hypothesis, Task
from stages.tokens.chords import Chords

NUM_ALTERNATIVES = 5
RANKS = torch.arange(NUM_ALTERNATIVES)


class ChordRecognition(Task):
    """An encoder, and heads for the type, the root and the bass.

    The tokens are ``stages.tokens.chords.Chords``. The k-th alternative of a hypothesis combines the k-th
    best class of each head; a head with fewer classes gives its last one.
    """

    content: ClassVar[str] = "chords"
    vocabulary_parameters: ClassVar[tuple[str, ...]] = (
        "heads.heads.0.*",
        "heads.types.*",
    )  # the others do not depend on the vocabulary

    def __init__(
        self,
        tokens: Chords,
        num_features: PositiveInt,
        encoder: EncoderPart = Part(class_path="stages.models.conformer.Conformer"),
        heads: ChordHeadsPart = Part(class_path="stages.models.linear_heads.LinearHeads"),
        loss: ChordLossPart = Part(class_path="stages.losses.chord_recognition_loss.ChordRecognitionLoss"),
        metrics: list[MetricPart] = [Part(class_path="stages.metrics.chord_accuracy.ChordAccuracy")],  # noqa: B006
    ) -> None:
        super().__init__(tokens, metrics)
        if not isinstance(tokens, Chords):
            raise ValueError(
                f"ChordRecognition needs stages.tokens.chords.Chords, found {type(tokens).__name__}"
            )
        self.sizes = tokens.group_sizes
        self.criterion: ChordLoss = loss.build()
        self.encoder: Encoder = encoder.build(num_features=num_features)
        self.heads: ChordHeads = heads.build(width=self.encoder.output_size, types=tokens.types)
        needed = self.heads.num_positions
        if needed and self.encoder.num_positions != needed:
            raise ValueError(
                f"{type(self.heads).__name__} needs an encoder with {needed} positions, such as"
                f" PitchConformer; {type(self.encoder).__name__} outputs frames: use LinearHeads"
            )

    def encode(self, batch: Batch) -> Encoded:
        """Log-probabilities (B, 1, V) and counts of 1."""
        return self.exportable()(*self.features(batch))

    def loss(self, encoded: Encoded, batch: Batch) -> tuple[Tensor, Tensor]:
        total, count = self.criterion(encoded[0].squeeze(1), batch.targets, self.sizes)
        return total, count

    def decode(self, encoded: Encoded, search: Search | None = None) -> list[Hypothesis]:
        groups, first = [], 0
        for own in encoded[0].squeeze(1).split(self.sizes, dim=1):
            best = own.topk(min(NUM_ALTERNATIVES, own.shape[1])).indices + first
            groups.append(best[:, RANKS.clamp(max=best.shape[1] - 1)])  # (B, NUM_ALTERNATIVES)
            first += own.shape[1]
        ranked = [[self.tokens.decode(c) for c in chords] for chords in torch.stack(groups, dim=2).tolist()]
        return [Hypothesis(texts[0], alternatives=tuple(texts)) for texts in ranked]

    def exportable(self) -> nn.Module:
        return ChordLogProbs(self.encoder, self.heads)

    def decoding(self) -> dict[str, Any]:
        return {"kind": "chord", "group_sizes": list(self.sizes)}


class ChordLogProbs(nn.Module):
    """Features (B, T, F) and counts to log-probabilities (B, 1, V) and counts of 1."""

    def __init__(self, encoder: Encoder, heads: ChordHeads) -> None:
        super().__init__()
        self.encoder, self.heads = encoder, heads

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden, lengths = self.encoder(features, lengths)
        return self.heads(hidden, lengths).unsqueeze(1), torch.ones_like(lengths)
