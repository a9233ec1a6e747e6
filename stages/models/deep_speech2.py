"""Deep Speech 2 (Amodei et al. 2015, https://arxiv.org/abs/1512.02595): convolutions, then recurrent layers.

Difference from the paper: LayerNorm instead of batch normalisation, so that neither padding nor the rest
of the batch changes an utterance, and no look-ahead convolution, as the layers go both ways.

B batch, T frames, F features, C channels, D width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.models.encoder import Encoder
from stages.models.recurrent import Kind, Recurrent
from stages.padding.mask import frame_mask
from stages.schema.quantities import PositiveInt, Probability

BAND_STRIDE = 2  # of either convolution
CLIPPED_AT = 20.0  # the paper's hard tanh


class DeepSpeech2(Encoder):
    """Two convolutions over time and frequency, then recurrent layers in both directions, summed.

    The paper's and Sonosco's size: ``channels`` 32, ``hidden_size`` 800, ``num_layers`` 5, and the kernels
    that are the defaults. ``kernel_frames``, ``kernel_bands`` and ``frame_strides`` have a value for each
    convolution; the frame rate falls by the product of the strides.
    """

    def __init__(
        self,
        num_features: PositiveInt = 80,
        hidden_size: PositiveInt = 64,
        num_layers: PositiveInt = 2,
        cell: Kind = "gru",
        channels: PositiveInt = 8,
        kernel_frames: tuple[PositiveInt, PositiveInt] = (11, 11),
        kernel_bands: tuple[PositiveInt, PositiveInt] = (41, 21),
        frame_strides: tuple[PositiveInt, PositiveInt] = (2, 1),
        dropout: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.frame_strides = frame_strides
        shapes = list(zip(kernel_frames, kernel_bands, frame_strides, strict=True))
        num_bands = -(-num_features // BAND_STRIDE)
        self.first = Convolution(1, channels, num_bands, *shapes[0])
        num_bands = -(-num_bands // BAND_STRIDE)
        self.second = Convolution(channels, channels, num_bands, *shapes[1])
        sizes = [channels * num_bands, *[hidden_size] * (num_layers - 1)]
        self.layers = nn.ModuleList(Layer(cell, size, hidden_size, dropout) for size in sizes)
        self.norm = nn.LayerNorm(hidden_size)

    @staticmethod
    def check_arguments(
        kernel_frames: tuple[int, int] = (11, 11), kernel_bands: tuple[int, int] = (41, 21), **_: object
    ) -> None:
        if even := [size for size in (*kernel_frames, *kernel_bands) if size % 2 == 0]:
            raise ValueError(f"kernel sizes must be odd, to stay centred; found {even}")

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden = features.unsqueeze(1)  # (B, 1, T, F)
        for convolution in (self.first, self.second):
            hidden, lengths = convolution(hidden, lengths)
        hidden = hidden.transpose(1, 2).flatten(2)  # (B, T', C F/4)
        for layer in self.layers:
            hidden = layer(hidden, lengths)
        return self.norm(hidden), lengths

    def output_lengths(self, lengths: Tensor) -> Tensor:
        for stride in self.frame_strides:
            lengths = (lengths + stride - 1) // stride
        return lengths


class Convolution(nn.Module):
    """A strided convolution of masked frames, LayerNorm over a frame's channels and bands, clipped ReLU."""

    def __init__(
        self, inputs: int, outputs: int, num_bands: int, frames: int, bands: int, frame_stride: int
    ) -> None:
        super().__init__()
        self.stride = frame_stride
        self.convolution = nn.Conv2d(
            inputs,
            outputs,
            (frames, bands),
            stride=(frame_stride, BAND_STRIDE),
            padding=(frames // 2, bands // 2),
        )
        self.norm = nn.LayerNorm([outputs, num_bands])

    def forward(self, hidden: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.convolution(hidden * frame_mask(lengths, hidden.shape[2])[:, None, :, None])
        lengths = (lengths + self.stride - 1) // self.stride
        hidden = self.norm(hidden.transpose(1, 2)).transpose(1, 2)  # (B, C, T', F')
        return functional.hardtanh(hidden, 0.0, CLIPPED_AT), lengths


class Layer(nn.Module):
    """LayerNorm, dropout, and a recurrent layer whose two directions are summed."""

    def __init__(self, cell: Kind, input_size: int, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(input_size)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = Recurrent(cell, input_size, hidden_size)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        both = self.recurrent(self.dropout(self.norm(hidden)), lengths)
        onward, back = both.chunk(2, dim=-1)
        summed: Tensor = torch.add(onward, back)
        return summed
