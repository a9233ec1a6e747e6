"""A schedule of torch warns when it steps before its optimizer did, which it tells by an attribute that the
optimizer's first step sets.
"""

from typing import Any

from torch.optim import Optimizer

SEEN_WITH = {"torch": ("2.11", "2.12", "2.13")}


def step_alone(scheduler: Any, optimizer: Optimizer, num_steps: int) -> None:
    """Make steps of a schedule whose optimizer made them in another process."""
    optimizer._opt_called = True  # type: ignore[attr-defined]
    for _ in range(num_steps):
        scheduler.step()
