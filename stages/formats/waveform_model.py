"""A model from waveform to log-probabilities, its frontends inside.

B batch, N samples, T frames, F features, T' output frames, V vocabulary.
"""

import torch
from torch import Tensor, nn

from stages.frontends.frontend import Frontend
from stages.padding.mask import frame_mask
from stages.tasks.checkpoint import Recipe
from stages.tasks.task import Task


class WaveformModel(nn.Module):
    """Waveforms (B, N) and lengths (B,) to log-probabilities (B, T', V) and counts (B,), in float32.

    What the features stage and the training device do apart, in one module; the cache's rounding to
    16 bits is left out.
    """

    def __init__(self, recipe: Recipe, task: Task) -> None:
        super().__init__()
        self.sample_rate = recipe.features.sample_rate
        self.cached: Frontend = recipe.features.frontend.build(sample_rate=self.sample_rate)
        self.on_device = task.frontend
        self.model = task.exportable()

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        outside = ~frame_mask(lengths, waveforms.shape[1])
        features, counts = self.cached(waveforms.masked_fill(outside, 0.0), lengths)  # (B, T, F)
        if self.on_device is not None:
            features, counts = self.on_device(features.squeeze(-1), counts)
        log_probs, counts = self.model(features, counts)  # (B, T', V)
        return log_probs, counts

    @property
    def last_frontend(self) -> Frontend:
        """The one whose features the encoder sees."""
        return self.on_device if isinstance(self.on_device, Frontend) else self.cached

    def frame_shift_seconds(self) -> float | None:
        """Time between output frames; None where it is not a whole number of feature frames."""
        shift = round(self.last_frontend.frame_shift_seconds * self.sample_rate)
        num_frames = 960  # divisible by every usual subsampling
        lengths = torch.tensor([num_frames * shift, 2 * num_frames * shift])
        with torch.no_grad():
            first, second = self(torch.zeros(2, 2 * num_frames * shift), lengths)[1].tolist()
        gained = int(second - first)
        if gained <= 0 or num_frames % gained:
            return None
        return num_frames // gained * shift / self.sample_rate
