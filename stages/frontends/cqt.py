"""The constant-Q transform: bins as far apart as notes are (Brown 1991, Schörkhuber and Klapuri 2010).

B batch, N samples, T frames, F bins.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.frontends.frontend import Frontend
from stages.padding.mask import frame_mask, without_padding
from stages.schema.quantities import PositiveFloat, PositiveInt

FLOOR = 1e-7  # amplitude below which is silence: -140 dB of full scale
HALF_BAND_TAPS = 63
BLOCK = 64  # samples that one step of the half-band filter gives
GUARD = 1.35  # Nyquist frequency of an octave's sample rate, over the octave's highest bin


class CQT(Frontend):
    """Amplitude in decibels below the loudest bin of the utterance, from 0 (``range_db`` below, or silence)
    to 1 (the loudest).

    Bin k has the frequency ``min_hz`` * 2^(k / bins_per_octave), and a Hann window of ``filter_scale`` * Q
    periods, Q = 1 / (2^(1 / bins_per_octave) - 1): a larger ``filter_scale`` tells neighbours apart better,
    and their beginnings worse. Frames are centred every ``hop`` samples, T = N // hop + 1; the signal is
    continued with zeros at both ends. Octaves are computed at sample rates that halve with their
    frequencies, by a half-band filter, so that all of them cost the same.

    The defaults are the notes C2 to B7. ValueError if the highest bin is not below half of the sample rate.
    """

    def __init__(
        self,
        min_hz: PositiveFloat = 65.41,
        num_bins: PositiveInt = 72,
        bins_per_octave: PositiveInt = 12,
        hop: PositiveInt = 512,
        filter_scale: PositiveFloat = 1.0,
        range_db: PositiveFloat = 80.0,
        sample_rate: PositiveInt = 44100,
    ) -> None:
        super().__init__()
        hertz = min_hz * 2 ** (torch.arange(num_bins, dtype=torch.float64) / bins_per_octave)
        if hertz[-1] >= sample_rate / 2:
            raise ValueError(
                f"CQT: the highest bin, {hertz[-1]:.0f} Hz, must be below {sample_rate / 2:g}, half of the"
                " sample rate; lower num_bins"
            )
        self.hop, self.range_db = hop, range_db
        self.quietest = FLOOR * 10 ** (range_db / 20)  # the loudest bin of an utterance that is not silence
        self.feature_size = num_bins
        self.frame_shift_seconds = hop / sample_rate
        periods = filter_scale / (2 ** (1 / bins_per_octave) - 1)
        self.halvings: list[int] = []  # of the sample rate, for each octave from the highest
        kernels = []
        for octave in hertz.flip(0).split(bins_per_octave):
            self.halvings.append(_halvings(sample_rate, float(octave[0]), hop))
            kernels.append(_kernels(octave, periods, sample_rate / 2 ** self.halvings[-1]))
        self.kernels = nn.ParameterList(nn.Parameter(kernel, requires_grad=False) for kernel in kernels)
        self.half_band: Tensor
        self.register_buffer("half_band", _half_band().unsqueeze(1), persistent=False)
        unit = 2 ** max(self.halvings)
        reach = periods * sample_rate / min_hz / 2 + unit * HALF_BAND_TAPS
        self.margin = math.ceil(reach / unit) * unit  # zeros at both ends: all that a frame can see

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        counts = self.num_frames(lengths)
        num_frames = waveforms.shape[1] // self.hop + 1
        signal = functional.pad(without_padding(waveforms, lengths), (self.margin, self.margin))
        signal = signal.unsqueeze(1)  # (B, 1, N)
        halved, octaves = 0, []
        for kernel, halvings in zip(self.kernels, self.halvings, strict=True):
            while halved < halvings:
                signal = self._halve(signal)
                halved += 1
            octaves.append(self._amplitudes(signal, kernel, halvings, num_frames))
        amplitudes = torch.cat(octaves, dim=1).flip(1).transpose(1, 2)  # (B, T, F)
        mask = frame_mask(counts, num_frames).unsqueeze(-1)
        return self._decibels(amplitudes * mask) * mask, counts

    def _halve(self, signal: Tensor) -> Tensor:
        """The sample rate: (B, 1, N) to (B, 1, N / 2 or a little more)."""
        centre = HALF_BAND_TAPS // 2
        padded = functional.pad(signal, (centre, centre + 2 * BLOCK - 2))
        return functional.conv1d(padded, self.half_band, stride=2 * BLOCK).transpose(1, 2).flatten(1)[:, None]

    def _amplitudes(self, signal: Tensor, kernel: Tensor, halvings: int, num_frames: int) -> Tensor:
        """Of one octave, its highest bin first: (B, 1, N') to (B, F', T)."""
        start = (self.margin >> halvings) - kernel.shape[-1] // 2
        found = functional.conv1d(signal[..., start:], kernel, stride=self.hop >> halvings)[..., :num_frames]
        real, imaginary = found.chunk(2, dim=1)
        return (real.square() + imaginary.square()).clamp(min=FLOOR**2).sqrt()

    def _decibels(self, amplitudes: Tensor) -> Tensor:
        loudest = amplitudes.amax(dim=(1, 2), keepdim=True).clamp(min=self.quietest)
        decibels = 20 * torch.log10(amplitudes.clamp(min=FLOOR) / loudest)
        return (1 + decibels / self.range_db).clamp(min=0.0)

    def num_frames(self, lengths: Tensor) -> Tensor:
        return lengths // self.hop + 1


def _halvings(sample_rate: int, highest_hz: float, hop: int) -> int:
    """How often the sample rate can be halved for an octave, and the hop with it."""
    halvings = max(0, math.floor(math.log2(sample_rate / 2 / (GUARD * highest_hz))))
    return min(halvings, (hop & -hop).bit_length() - 1)


def _kernels(hertz: Tensor, periods: float, sample_rate: float) -> Tensor:
    """Windowed cosines, then sines, centred: (2 F', 1, K). A sine of amplitude 1 gives 1."""
    half = math.floor(periods * sample_rate / float(hertz.min()) / 2)
    time = torch.arange(-half, half + 1, dtype=torch.float64) / sample_rate
    width = periods / hertz[:, None]  # seconds
    window = (0.5 + 0.5 * torch.cos(2 * math.pi * time / width)) * (time.abs() < width / 2)
    window = 2 * window / window.sum(1, keepdim=True)
    angle = 2 * math.pi * hertz[:, None] * time
    return torch.cat([window * angle.cos(), window * angle.sin()]).float().unsqueeze(1)


def _half_band() -> Tensor:
    """A low-pass at a quarter of the sample rate (a Kaiser window's sinc, 80 dB), for every second sample
    of a block: (BLOCK, K). A convolution to as many channels is much faster than one to a single channel.
    """
    time = torch.arange(HALF_BAND_TAPS, dtype=torch.float64) - HALF_BAND_TAPS // 2
    window = torch.kaiser_window(HALF_BAND_TAPS, periodic=False, beta=8.0, dtype=torch.float64)
    taps = torch.sinc(time / 2) * window
    taps = (taps / taps.sum()).float()
    return torch.stack([functional.pad(taps, (2 * i, 2 * (BLOCK - 1 - i))) for i in range(BLOCK)])
