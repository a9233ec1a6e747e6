"""The loss of a chord: cross-entropies of its type, root and bass, weighted.

B batch, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from stages.losses.chord_loss import ChordLoss
from stages.schema.quantities import NonNegativeFloat, Probability


class ChordRecognitionLoss(ChordLoss):
    """The weighted sum of the cross-entropies of type, root and bass, with label smoothing (Szegedy et al.
    2016, https://arxiv.org/abs/1512.00567).
    """

    def __init__(
        self,
        chord_type_weight: NonNegativeFloat = 1.0,
        root_weight: NonNegativeFloat = 1.0,
        bass_weight: NonNegativeFloat = 0.5,
        label_smoothing: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.weights = (chord_type_weight, root_weight, bass_weight)
        self.label_smoothing = label_smoothing

    @staticmethod
    def check_arguments(
        chord_type_weight: float = 1.0, root_weight: float = 1.0, bass_weight: float = 0.5, **_: float
    ) -> None:
        if not chord_type_weight + root_weight + bass_weight:
            raise ValueError("nothing would be learned: at least one weight must be above 0")

    def forward(self, log_probs: Tensor, targets: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor]:
        total = log_probs.new_zeros(())
        first = 0
        groups = zip(log_probs.split(list(sizes), dim=1), targets.unbind(1), self.weights, strict=True)
        for own, target, weight in groups:
            entropy = functional.cross_entropy(
                own, target - first, reduction="sum", label_smoothing=self.label_smoothing
            )
            total = total + weight * entropy
            first += own.shape[1]
        return total, torch.tensor(len(targets), device=targets.device)
