"""Linear warm-up, then linear decrease, as in BERT (https://arxiv.org/abs/1810.04805)."""

from stages.schedules.warmup import Warmup


class WarmupLinear(Warmup):
    """Decreases by the same amount at every step."""

    @staticmethod
    def remaining(progress: float) -> float:
        return 1 - progress
