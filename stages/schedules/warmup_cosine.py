"""Linear warm-up, then half a cosine (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983)."""

import math

from stages.schedules.warmup import Warmup


class WarmupCosine(Warmup):
    """Decreases slowly at first, fast in the middle, slowly at the end."""

    @staticmethod
    def remaining(progress: float) -> float:
        return 0.5 * (1 + math.cos(math.pi * progress))
