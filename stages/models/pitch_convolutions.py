"""Convolutions over pitch in front of another encoder, for constant-Q spectra of whole chords.

A chord moved up by a semitone is the same picture one bin higher, so what recognises it should be the
same too: convolutions along the pitch axis, harmonics stacked as channels (Bittner et al. 2022,
https://arxiv.org/abs/2203.09893), then octaves folded and a convolution around the circle of twelve
pitch classes.

B batch, T frames, F bins, C channels, T' frames after subsampling.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.frontends.frontend import frame_mask
from stages.models.encoder import Encoder, EncoderPart
from stages.schema.part import Part
from stages.schema.quantities import PositiveInt

SEMITONES = 12
HARMONICS = (-24, -19, -12, 0, 12, 19, 24, 28, 31, 34, 36)  # bins from a note to those that it shares energy with


class PitchConvolutions(Encoder):
    """Twelve bins an octave to what ``encoder`` gets of each frame, a frame for eight.

    That is, side by side: of every bin, ``bin_channels`` numbers; of every pitch class as many, which see
    all others relative to it; and the mean of ``channels`` such numbers over the pitch classes, weighted by
    a softmax: the same for a chord in all keys.
    """

    def __init__(
        self,
        num_features: PositiveInt = 72,
        channels: PositiveInt = 32,
        bin_channels: PositiveInt = 2,
        encoder: EncoderPart = Part(class_path="stages.models.conformer.Conformer"),
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(len(HARMONICS), channels, 3, stride=(2, 1), padding=1)
        self.second = nn.Conv2d(channels, channels, (1, 13), padding=(0, 6))
        self.third = nn.Conv2d(channels, channels, (1, 13), padding=(0, 6))
        self.circle = nn.Conv2d(2 * channels, 2 * channels, (1, SEMITONES))
        self.key = nn.Conv2d(2 * channels, 1 + bin_channels + channels, 1)
        self.bins = nn.Conv2d(channels, bin_channels, 1)
        self.sizes = (1, bin_channels, channels)
        size = bin_channels * (num_features + SEMITONES) + channels
        self.norm = nn.LayerNorm(size)
        self.encoder: Encoder = encoder.build(num_features=size)
        self.output_size = self.encoder.output_size

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return self.encoder.output_lengths(self._subsampled(lengths))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        eighth = self._subsampled(lengths)
        pooled = functional.avg_pool2d(functional.pad(features, (0, 0, 0, -features.shape[1] % 4)), (4, 1))
        hidden = functional.gelu(self.first(_harmonics(pooled)))  # (B, C, T/8, F)
        hidden = hidden + functional.gelu(self.second(hidden))
        hidden = hidden + functional.gelu(self.third(hidden))
        circle = functional.gelu(self.circle(_fold(hidden)))  # (B, 2C, T/8, 12)
        weights, classes, chord = self.key(circle).split(self.sizes, dim=1)  # (B, ., T/8, 12)
        chord = (chord * weights.softmax(-1)).sum(-1)  # (B, C, T/8)
        parts = [self.bins(hidden).transpose(1, 2).flatten(2), classes.transpose(1, 2).flatten(2)]
        frames = torch.cat([*parts, chord.transpose(1, 2)], dim=-1)
        frames = self.norm(frames) * frame_mask(eighth, frames.shape[1]).unsqueeze(-1)
        return self.encoder(frames, eighth)

    @staticmethod
    def _subsampled(lengths: Tensor) -> Tensor:
        return ((lengths + 3) // 4 + 1) // 2


def _harmonics(features: Tensor) -> Tensor:
    """Each bin beside those of its harmonics and of what it may be a harmonic of: (B, T, F) to (B, C, T, F)."""
    low, high = -min(HARMONICS), max(HARMONICS)
    padded, size = functional.pad(features, (low, high)), features.shape[2]
    return torch.stack([padded[..., low + step : low + step + size] for step in HARMONICS], dim=1)


def _fold(hidden: Tensor) -> Tensor:
    """Mean and maximum over octaves, the circle of them closed: (B, C, T, F) to (B, 2C, T, 23)."""
    missing = -hidden.shape[3] % SEMITONES
    octaves = functional.pad(hidden, (0, missing)).unflatten(3, (-1, SEMITONES))
    classes = torch.cat([octaves.mean(3), octaves.amax(3)], dim=1)  # (B, 2C, T, 12)
    return torch.cat([classes, classes[..., :-1]], dim=3)
