"""Connectionist temporal classification (Graves et al. 2006).

B batch, T frames, U tokens, V vocabulary.
"""

import torch
from torch import Tensor
from torch.nn import functional


def ctc_loss(
    log_probs: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor, blank_index: int
) -> tuple[Tensor, Tensor]:
    """The summed negative log-likelihood of a batch, and the number of tokens it is summed over.

    ``log_probs`` (B, T, V), ``targets`` (B, U). Utterances that no alignment fits are in neither number;
    they are reported before training.
    """
    feasible = lengths >= frames_needed(targets, target_lengths)
    # An infinite loss has NaN gradients, even times 0: such utterances get an empty target instead.
    learned_lengths = torch.where(feasible, target_lengths, 0)
    if log_probs.device.type == "mps":  # MPS has no CTC
        log_probs, targets = log_probs.cpu(), targets.cpu()
        lengths, learned_lengths, feasible = lengths.cpu(), learned_lengths.cpu(), feasible.cpu()
    losses = functional.ctc_loss(
        log_probs.float().transpose(0, 1),
        targets,
        lengths,
        learned_lengths,
        blank=blank_index,
        reduction="none",
    )
    return torch.where(feasible, losses, 0.0).sum(), learned_lengths.sum()


def frames_needed(targets: Tensor, target_lengths: Tensor) -> Tensor:
    """The shortest alignment: one frame per token, and a blank between equal neighbours. (B, U) to (B,)."""
    positions = torch.arange(max(targets.shape[1] - 1, 0), device=targets.device)
    repeats = (targets[:, 1:] == targets[:, :-1]) & (positions[None, :] < target_lengths[:, None] - 1)
    return target_lengths + repeats.sum(1)
