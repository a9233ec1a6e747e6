"""Time-depth separable convolutions (Hannun et al. 2019, https://arxiv.org/abs/1904.02619), all masked.

Differences from the paper: LayerNorm is over one frame, not over all of an utterance's, so that padding
changes nothing, and dropout is on what is added, not between the linear layers: it would cost time on a CPU.

B batch, T frames, F features, C channels, K frames of a kernel.
"""

from itertools import pairwise
from typing import Annotated

from annotated_types import MinLen
from torch import Tensor, nn
from torch.nn import functional

from stages.models.encoder import Encoder
from stages.padding.mask import frame_mask
from stages.schema.quantities import PositiveInt, Probability

STRIDE = 2


class TDS(Encoder):
    """A block for each of ``channels``, and before each change of their number a convolution of stride 2.

    ``bottleneck`` is the output's width. Sonosco's size: ``channels`` [10, 10, 14, 14, 14, 18, 18, 18, 18,
    18, 18] (8x subsampling), ``kernel_frames`` 21, ``bottleneck`` 1024, ``dropout`` 0.2.
    """

    def __init__(
        self,
        num_features: PositiveInt = 80,
        channels: Annotated[tuple[PositiveInt, ...], MinLen(1)] = (4, 6),
        kernel_frames: PositiveInt = 9,
        bottleneck: PositiveInt = 64,
        dropout: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.output_size = bottleneck
        layers: list[Subsampling | Block] = []
        for before, after in pairwise((1, *channels)):
            if not layers or before != after:
                layers.append(Subsampling(before, after, num_features, kernel_frames, dropout))
            layers.append(Block(after, num_features, kernel_frames, dropout))
        self.layers = nn.ModuleList(layers)
        self.output = nn.Linear(channels[-1] * num_features, bottleneck)

    @staticmethod
    def check_arguments(kernel_frames: int = 9, **_: object) -> None:
        if kernel_frames % 2 == 0:
            raise ValueError(f"kernel_frames {kernel_frames} must be odd, to stay centred")

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden = features.unsqueeze(1)  # (B, 1, T, F)
        for layer in self.layers:
            hidden, lengths = layer(hidden, lengths)
        return self.output(hidden.transpose(1, 2).flatten(2)), lengths

    def output_lengths(self, lengths: Tensor) -> Tensor:
        for layer in self.layers:
            if isinstance(layer, Subsampling):
                lengths = _halved(lengths)
        return lengths


class Subsampling(nn.Module):
    """A convolution over time that halves the frame rate, ReLU, dropout and LayerNorm."""

    def __init__(self, inputs: int, outputs: int, num_features: int, frames: int, dropout: float) -> None:
        super().__init__()
        self.convolution = _over_time(inputs, outputs, frames, STRIDE)
        self.norm = FrameNorm(outputs, num_features)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden = functional.relu(self.convolution(_masked(hidden, lengths)))  # (B, C, T/2, F)
        return self.norm(self.dropout(hidden)), _halved(lengths)


class Block(nn.Module):
    """A convolution over time, then two linear layers over a frame's channels and features; each is added
    to what it came from and normalised.
    """

    def __init__(self, channels: int, num_features: int, frames: int, dropout: float) -> None:
        super().__init__()
        width = channels * num_features
        self.convolution = _over_time(channels, channels, frames, 1)
        self.convolution_norm = FrameNorm(channels, num_features)
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)
        self.linear_norm = FrameNorm(channels, num_features)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        mixed = functional.relu(self.convolution(_masked(hidden, lengths)))
        hidden = self.convolution_norm(hidden + self.dropout(mixed))
        frames = hidden.transpose(1, 2).flatten(2)  # (B, T, C F)
        frames = self.outer(functional.relu(self.inner(frames)))
        mixed = self.dropout(frames).unflatten(2, (hidden.shape[1], hidden.shape[3])).transpose(1, 2)
        return self.linear_norm(hidden + mixed), lengths


class FrameNorm(nn.Module):
    """LayerNorm over the channels and features of each frame."""

    def __init__(self, channels: int, num_features: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm([channels, num_features])

    def forward(self, hidden: Tensor) -> Tensor:
        normalized: Tensor = self.norm(hidden.transpose(1, 2)).transpose(1, 2)
        return normalized


def _over_time(inputs: int, outputs: int, frames: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, (frames, 1), stride=(stride, 1), padding=(frames // 2, 0))


def _masked(hidden: Tensor, lengths: Tensor) -> Tensor:
    return hidden * frame_mask(lengths, hidden.shape[2])[:, None, :, None]


def _halved(lengths: Tensor) -> Tensor:
    return (lengths + STRIDE - 1) // STRIDE
