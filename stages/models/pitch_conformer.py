"""A Conformer along pitch instead of time, for constant-Q spectra of whole chords.

A chord moved up by a semitone is the same picture one bin higher, so what recognises it should be the
same too: harmonics stacked as channels (Bittner et al. 2022, https://arxiv.org/abs/2203.09893), then
Conformer blocks (Gulati et al. 2020, https://arxiv.org/abs/2005.08100) whose positions are bins, since what
tells a note from an overtone is far from it in pitch, and not in time.

B batch, T frames, F bins, D width.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.models.conformer import Block, Conformer
from stages.models.encoder import Encoder
from stages.padding.mask import frame_mask
from stages.schema.quantities import PositiveInt, Probability

SEMITONES = 12
HARMONICS = (-24, -19, -12, 0, 12, 19, 24, 28, 31, 34, 36)  # bins from a note to those it shares energy with
NUM_STATISTICS = 3


class PitchConformer(Encoder):
    """Mean, maximum and deviation over time of every bin, twelve an octave; a Conformer along pitch; octaves
    folded by mean and maximum.

    The twelve positions of its output, whatever the number of frames, are the pitch classes, that of the
    lowest bin first (a C, of CQT). The last of the 2 D + 1 values of each is the logarithm of its share in a
    softmax over all bins, which begins with preferring low ones: who looks for the bass finds it there.
    """

    num_positions: ClassVar[int | None] = SEMITONES
    bins_per_octave: ClassVar[int | None] = SEMITONES

    def __init__(
        self,
        num_features: PositiveInt = 72,
        width: PositiveInt = 48,
        num_layers: PositiveInt = 2,
        num_heads: PositiveInt = 4,
        feedforward_factor: PositiveInt = 2,
        kernel_size: PositiveInt = 31,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.output_size = 2 * width + 1
        self.input = nn.Conv1d(NUM_STATISTICS * len(HARMONICS), width, 3, padding=1)
        self.blocks = nn.ModuleList(
            Block(width, num_heads, feedforward_factor, kernel_size, dropout) for _ in range(num_layers)
        )
        self.bass = nn.Linear(width, 1, bias=False)
        self.height = nn.Parameter(torch.linspace(3, -3, num_features))

    check_arguments = staticmethod(Conformer.check_arguments)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return torch.full_like(lengths, SEMITONES)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        spectra = _standardized(_statistics(features, lengths))  # (B, 3, F)
        hidden = functional.gelu(self.input(_harmonics(spectra))).transpose(1, 2)  # (B, F, D)
        everywhere = torch.ones_like(hidden[..., 0], dtype=torch.bool)
        for block in self.blocks:
            hidden = block(hidden, everywhere)
        share = (self.bass(hidden).squeeze(-1) + self.height).log_softmax(-1)  # (B, F)
        bass = _octaves(share, -torch.inf).logsumexp(1).unsqueeze(-1)  # (B, 12, 1)
        folded = _octaves(hidden.transpose(1, 2), 0.0)  # (B, D, octaves, 12)
        classes = torch.cat([folded.mean(2), folded.amax(2)], dim=1).transpose(1, 2)
        return torch.cat([classes, bass], dim=-1), self.output_lengths(lengths)


def _statistics(features: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, F) to (B, 3, F); of one frame, the deviation is 0."""
    mask = frame_mask(lengths, features.shape[1]).unsqueeze(-1)
    counts = lengths[:, None, None]
    mean = (features * mask).sum(1, keepdim=True) / counts
    variance = ((features - mean).square() * mask).sum(1, keepdim=True) / counts
    loudest = features.masked_fill(~mask, -torch.inf).amax(1, keepdim=True)
    return torch.cat([mean, loudest, (variance + 1e-8).sqrt()], dim=1)


def _standardized(spectra: Tensor) -> Tensor:
    """On a scale on which the means have mean 0 and variance 1 over pitch."""
    mean = spectra[:, :1]
    deviation = mean.var(-1, keepdim=True, unbiased=False).add(1e-6).sqrt()
    return (spectra - mean.mean(-1, keepdim=True)) / deviation


def _harmonics(spectra: Tensor) -> Tensor:
    """Each bin beside its harmonics and what it may be a harmonic of: (B, C, F) to (B, 11 C, F)."""
    low, high = -min(HARMONICS), max(HARMONICS)
    padded, size = functional.pad(spectra, (low, high)), spectra.shape[2]
    return torch.cat([padded[..., low + step : low + step + size] for step in HARMONICS], dim=1)


def _octaves(values: Tensor, beyond: float) -> Tensor:
    """(..., F) to (..., octaves, 12), ``beyond`` where the last octave is not whole."""
    return functional.pad(values, (0, -values.shape[-1] % SEMITONES), value=beyond).unflatten(
        -1, (-1, SEMITONES)
    )
