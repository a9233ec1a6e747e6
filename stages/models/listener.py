"""The listener of Listen, Attend and Spell (Chan et al. 2015, https://arxiv.org/abs/1508.01211).

Difference from the paper: LayerNorm and dropout after each layer.

B batch, T frames, F features, D width, R frames that become one.
"""

from typing import Annotated

from annotated_types import MinLen
from torch import Tensor, nn
from torch.nn import functional

from stages.models.encoder import Encoder
from stages.models.recurrent import Recurrent
from stages.padding.mask import frame_mask
from stages.schema.quantities import PositiveInt, Probability


class Listener(Encoder):
    """A pyramid of LSTM layers in both directions: each first joins some neighbouring frames into one.

    ``reductions`` has the number of joined frames for each layer, from the bottom. The paper's size is
    ``hidden_size`` 256 (of one direction) with [1, 2, 2, 2]; Sonosco's, which has no pyramid, [1, 1, 1].
    """

    def __init__(
        self,
        num_features: PositiveInt = 80,
        hidden_size: PositiveInt = 64,
        reductions: Annotated[tuple[PositiveInt, ...], MinLen(1)] = (2, 2),
        dropout: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.output_size = 2 * hidden_size
        self.reductions = reductions
        sizes = [num_features, *[self.output_size] * (len(reductions) - 1)]
        self.layers = nn.ModuleList(
            Recurrent("lstm", size * joined, hidden_size)
            for size, joined in zip(sizes, reductions, strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(self.output_size) for _ in reductions)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden = features
        for layer, norm, joined in zip(self.layers, self.norms, self.reductions, strict=True):
            hidden, lengths = _join(hidden, lengths, joined)  # (B, T/R, D R)
            hidden = self.dropout(norm(layer(hidden, lengths)))
        return hidden, lengths

    def output_lengths(self, lengths: Tensor) -> Tensor:
        for joined in self.reductions:
            lengths = (lengths + joined - 1) // joined
        return lengths


def _join(hidden: Tensor, lengths: Tensor, joined: int) -> tuple[Tensor, Tensor]:
    """Neighbouring frames side by side; at the end of an utterance zeros fill up the last of them."""
    if joined == 1:
        return hidden, lengths
    hidden = hidden * frame_mask(lengths, hidden.shape[1]).unsqueeze(-1)
    filled = functional.pad(hidden, (0, 0, 0, joined - 1))
    num_joined = (hidden.shape[1] + joined - 1) // joined
    filled = filled[:, : num_joined * joined]
    return filled.unflatten(1, (num_joined, joined)).flatten(2), (lengths + joined - 1) // joined
