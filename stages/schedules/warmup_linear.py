"""Linear warm-up, then a straight line down, as in BERT (https://arxiv.org/abs/1810.04805)."""

from stages.schedules.warmup import Warmup


class WarmupLinear(Warmup):
    """By the same amount at every step."""

    @staticmethod
    def remaining(progress: float) -> float:
        return 1 - progress
