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
HARMONICS = (-24, -19, -12, 0, 12, 19, 24, 28, 31, 34, 36)  # bins from a note to those it shares energy with


class PitchConvolutions(Encoder):
    """What ``encoder`` gets of every eight frames, twelve bins an octave; and its mean beside the output.

    It is, side by side: of every pitch class a score as the root, which sees all others relative to it,
    and one as the bass, from a softmax over bins that can come to prefer low ones; and the mean of
    ``chord_channels`` numbers of each pitch class as the root, weighted by a softmax of the first scores:
    the same for a chord in all keys.
    """

    def __init__(
        self,
        num_features: PositiveInt = 72,
        channels: PositiveInt = 32,
        chord_channels: PositiveInt = 64,
        encoder: EncoderPart = Part(class_path="stages.models.conformer.Conformer"),
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(len(HARMONICS), channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, (1, 13), padding=(0, 6))
        self.third = nn.Conv2d(channels, channels, (1, 13), padding=(0, 6))
        self.circle = nn.Conv2d(2 * (1 + channels), 2 * channels, (1, SEMITONES))
        self.classes = nn.Conv2d(2 * channels, 1 + chord_channels, 1)
        self.bins = nn.Conv2d(channels, 1, 1, bias=False)
        self.height = nn.Parameter(torch.linspace(1, -1, num_features))
        size = 2 * SEMITONES + chord_channels
        self.norm = nn.LayerNorm(size)
        self.encoder: Encoder = encoder.build(num_features=size)
        self.output_size = size + self.encoder.output_size

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return self.encoder.output_lengths(self._subsampled(lengths))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        eighth = self._subsampled(lengths)
        frames = self.norm(self._frames(features))  # (B, T/8, D)
        frames = frames * frame_mask(eighth, frames.shape[1]).unsqueeze(-1)
        hidden, counts = self.encoder(frames, eighth)
        mean = frames.sum(1, keepdim=True) / eighth[:, None, None]
        return torch.cat([mean.expand(-1, hidden.shape[1], -1), hidden], dim=-1), counts

    def _frames(self, features: Tensor) -> Tensor:
        padded = functional.pad(features, (0, 0, 0, -features.shape[1] % 8))
        pooled = _standardized(functional.avg_pool2d(padded, (8, 1)))  # (B, T/8, F)
        hidden = functional.gelu(self.first(_harmonics(pooled)))  # (B, C, T/8, F)
        hidden = hidden + functional.gelu(self.second(hidden))
        hidden = hidden + functional.gelu(self.third(hidden))
        classes = self.classes(
            functional.gelu(self.circle(_fold(torch.cat([pooled.unsqueeze(1), hidden], 1))))
        )  # (B, ., T/8, 12)
        scores, chord = classes[:, 0], classes[:, 1:]
        chord = (chord * scores.softmax(-1).unsqueeze(1)).sum(-1)  # (B, ., T/8)
        bins = (self.bins(hidden).squeeze(1) + self.height).softmax(-1)  # (B, T/8, F)
        bass = _octaves(bins).sum(-2).clamp(min=1e-4).log()  # (B, T/8, 12)
        return torch.cat([scores, bass, chord.transpose(1, 2)], dim=-1)

    @staticmethod
    def _subsampled(lengths: Tensor) -> Tensor:
        return (lengths + 7) // 8


def _harmonics(features: Tensor) -> Tensor:
    """Each bin beside its harmonics and what it may be a harmonic of: (B, T, F) to (B, C, T, F)."""
    low, high = -min(HARMONICS), max(HARMONICS)
    padded, size = functional.pad(features, (low, high)), features.shape[2]
    return torch.stack([padded[..., low + step : low + step + size] for step in HARMONICS], dim=1)


def _octaves(values: Tensor) -> Tensor:
    """(..., F) to (..., octaves, 12), 0 where the last octave is not whole."""
    return functional.pad(values, (0, -values.shape[-1] % SEMITONES)).unflatten(-1, (-1, SEMITONES))


def _fold(hidden: Tensor) -> Tensor:
    """Mean and maximum over octaves, the circle of them closed: (B, C, T, F) to (B, 2C, T, 23)."""
    octaves = _octaves(hidden)
    classes = _standardized(torch.cat([octaves.mean(3), octaves.amax(3)], dim=1))  # (B, 2C, T, 12)
    return torch.cat([classes, classes[..., :-1]], dim=3)


def _standardized(values: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the last axis, pitch."""
    return functional.layer_norm(values, values.shape[-1:])
