"""A PyTorch schedule warns if it steps before its optimizer, which it detects by an attribute that the first
step of the optimizer sets.
"""

from typing import Any

from torch.optim import Optimizer

SEEN_WITH = {"torch": ("2.11", "2.12", "2.13")}


def step_alone(scheduler: Any, optimizer: Optimizer, num_steps: int) -> None:
    """Step a schedule whose optimizer made its steps in another process."""
    optimizer._opt_called = True  # type: ignore[attr-defined]
    for _ in range(num_steps):
        scheduler.step()
