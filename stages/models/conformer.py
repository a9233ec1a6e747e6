"""Conformer (Gulati et al. 2020, https://arxiv.org/abs/2005.08100), masked throughout.

Differences from the paper: rotary positions (Su et al. 2021) instead of relative ones, and LayerNorm
instead of BatchNorm in the convolution module, so that neither padding nor the rest of the batch
changes an utterance. Dropout is on the output of each module, as in the paper's text: within them it
would cost a third of the time on a CPU.

B batch, T frames, F features, D width, H heads.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.models.encoder import Encoder
from stages.padding.mask import frame_mask, without_padding
from stages.schema.quantities import PositiveInt, Probability


class Conformer(Encoder):
    """Two strided convolutions (4x subsampling), then Conformer blocks."""

    def __init__(
        self,
        num_features: PositiveInt = 80,
        width: PositiveInt = 144,
        num_layers: PositiveInt = 4,
        num_heads: PositiveInt = 4,
        feedforward_factor: PositiveInt = 4,
        kernel_size: PositiveInt = 15,
        subsampling_channels: PositiveInt = 32,
        dropout: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.output_size = width
        self.subsampling = Subsampling(num_features, subsampling_channels, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(width, num_heads, feedforward_factor, kernel_size, dropout) for _ in range(num_layers)
        )

    @staticmethod
    def check_arguments(width: int = 144, num_heads: int = 4, kernel_size: int = 15, **_: object) -> None:
        if width % (2 * num_heads):
            raise ValueError(f"width {width} must be a multiple of twice num_heads {num_heads}")
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size {kernel_size} must be odd, to stay centred")

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden, lengths = self.subsampling(features, lengths)  # (B, T', D)
        mask = frame_mask(lengths, hidden.shape[1])
        hidden = self.dropout(hidden)
        for block in self.blocks:
            hidden = block(hidden, mask)
        return hidden, lengths

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return self.subsampling.output_lengths(lengths)


class Subsampling(nn.Module):
    """Two 3x3 convolutions of stride 2 over time and frequency, then a linear map to the width."""

    def __init__(self, num_features: int, channels: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, channels, 3, stride=2, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.output = nn.Linear(channels * ((num_features + 3) // 4), width)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return (lengths + 3) // 4

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        halved = (lengths + 1) // 2
        features = without_padding(features, lengths).unsqueeze(1)  # (B, 1, T, F)
        hidden = functional.gelu(self.first(features))  # (B, C, T/2, F/2)
        hidden = hidden * frame_mask(halved, hidden.shape[2])[:, None, :, None]
        hidden = functional.gelu(self.second(hidden))  # (B, C, T/4, F/4)
        return self.output(hidden.transpose(1, 2).flatten(2)), self.output_lengths(lengths)


class Block(nn.Module):
    """Half feed-forward, attention, convolution, half feed-forward, LayerNorm."""

    def __init__(self, width: int, num_heads: int, factor: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.feedforward_in = _feedforward(width, factor, dropout)
        self.attention = Attention(width, num_heads, dropout)
        self.convolution = Convolution(width, kernel_size, dropout)
        self.feedforward_out = _feedforward(width, factor, dropout)
        self.norm = nn.LayerNorm(width)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        hidden = hidden + 0.5 * self.feedforward_in(hidden)
        hidden = hidden + self.attention(hidden, mask)
        hidden = hidden + self.convolution(hidden, mask)
        hidden = hidden + 0.5 * self.feedforward_out(hidden)
        normalized: Tensor = self.norm(hidden)
        return normalized


def _feedforward(width: int, factor: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, factor * width),
        nn.SiLU(),
        nn.Linear(factor * width, width),
        nn.Dropout(dropout),
    )


class Attention(nn.Module):
    """Self-attention with rotary positions; padded frames are never attended to."""

    def __init__(self, width: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(width)
        self.inputs = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        size = width // num_heads
        self.frequencies: Tensor
        self.register_buffer("frequencies", 10000.0 ** -(torch.arange(0, size, 2) / size), persistent=False)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        projected = self.inputs(self.norm(hidden)).unflatten(-1, (3, self.num_heads, -1))
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)  # each (B, H, T, D/H)
        attended = functional.scaled_dot_product_attention(
            self._rotate(queries),
            self._rotate(keys),
            values,
            attn_mask=mask[:, None, None, :],
        )
        return self.dropout(self.output(attended.transpose(1, 2).flatten(2)))

    def _rotate(self, vectors: Tensor) -> Tensor:
        positions = torch.arange(vectors.shape[2], device=vectors.device)
        angles = positions[:, None] * self.frequencies  # (T, D/2H)
        sine, cosine = angles.sin().to(vectors.dtype), angles.cos().to(vectors.dtype)
        first, second = vectors.chunk(2, dim=-1)
        return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


class Convolution(nn.Module):
    """Gated pointwise, masked depthwise and pointwise convolutions."""

    def __init__(self, width: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, 2 * width)
        self.depthwise = nn.Conv1d(width, width, kernel_size, padding=kernel_size // 2, groups=width)
        self.depthwise_norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        gated = functional.glu(self.gate(self.norm(hidden)), dim=-1) * mask.unsqueeze(-1)
        mixed = self.depthwise(gated.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.output(functional.silu(self.depthwise_norm(mixed))))
