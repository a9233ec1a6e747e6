"""The base class of schedules with a warm-up."""

from abc import ABC, abstractmethod

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from stages.schema.quantities import Fraction, NonNegativeInt, PositiveInt


class Warmup(LambdaLR, ABC):
    """Increases linearly to the learning rate, then decreases to ``final_fraction`` of it.

    The warm-up takes ``warmup_fraction`` of all steps, or ``warmup_steps`` steps; the final fraction is
    reached at the last step. Subclasses implement ``remaining``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: PositiveInt,
        warmup_fraction: Fraction = 0.1,
        final_fraction: Fraction = 0.01,
        warmup_steps: NonNegativeInt | None = None,
    ) -> None:
        wanted = round(warmup_fraction * total_steps) if warmup_steps is None else warmup_steps
        warmup = min(max(1, wanted), total_steps)

        def factor(step: int) -> float:
            if step < warmup:
                return (step + 1) / warmup
            progress = min(1.0, (step - warmup) / max(1, total_steps - 1 - warmup))
            return final_fraction + (1 - final_fraction) * self.remaining(progress)

        super().__init__(optimizer, factor)

    @staticmethod
    def check_arguments(
        warmup_fraction: float | None = None, warmup_steps: int | None = None, **_: object
    ) -> None:
        if warmup_fraction is not None and warmup_steps is not None:
            raise ValueError("set warmup_fraction or warmup_steps, not both")

    @staticmethod
    @abstractmethod
    def remaining(progress: float) -> float:
        """The remaining fraction of the decrease, from 1 to 0 as progress after the warm-up goes 0 to 1."""
