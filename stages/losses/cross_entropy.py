"""Cross-entropy of tokens with label smoothing (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567).

B batch, U tokens, V vocabulary.
"""

from torch import Tensor

from stages.padding.mask import frame_mask


def cross_entropy(
    log_probs: Tensor, targets: Tensor, target_lengths: Tensor, label_smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The summed loss of a batch, and the number of tokens it is summed over.

    ``log_probs`` (B, U, V), ``targets`` (B, U). ``label_smoothing`` is the share of the probability that
    the aim spreads evenly over the vocabulary. What is beyond a target's length costs nothing.
    """
    correct = log_probs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # (B, U)
    aimed = (1 - label_smoothing) * correct + label_smoothing * log_probs.mean(-1)
    mask = frame_mask(target_lengths, targets.shape[1])
    return -aimed.masked_fill(~mask, 0.0).sum(), target_lengths.sum()
