"""Linear warm-up, then half a cosine (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983)."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from stages.schema.quantities import Fraction, PositiveInt


class WarmupCosine(LambdaLR):
    """Rises to the learning rate over the warm-up, falls to ``final_fraction`` of it, never rises again."""

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: PositiveInt,
        warmup_fraction: Fraction = 0.1,
        final_fraction: Fraction = 0.01,
    ) -> None:
        warmup = max(1, round(warmup_fraction * total_steps))

        def factor(step: int) -> float:
            if step < warmup:
                return (step + 1) / warmup
            progress = min(1.0, (step - warmup) / max(1, total_steps - 1 - warmup))
            return final_fraction + (1 - final_fraction) * 0.5 * (1 + math.cos(math.pi * progress))

        super().__init__(optimizer, factor)
