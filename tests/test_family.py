"""A class that somebody drops into a folder is found, and one that breaks its family's contract fails it."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import test_augment
import test_decoders
import test_formats_contract
import test_frontends
import test_losses_chords
import test_metrics_contract
import test_models
import test_models_heads
import test_schedules_contract
from family import classes_of
from own_modules import own_modules
from torch.optim.lr_scheduler import LRScheduler

from stages.augment.augmentation import Augmentation
from stages.formats.format import Format
from stages.frontends.frontend import Frontend
from stages.losses.chord_loss import ChordLoss
from stages.metrics.metric import Metric
from stages.models.chord_heads import ChordHeads
from stages.models.decoder import Decoder
from stages.models.encoder import Encoder


@dataclass(frozen=True)
class Wrong:
    """A class of a family, as somebody may write it, and the test of the family's contract that it fails."""

    family: str
    base: type[Any]
    code: str
    contract: Callable[[Any], None]


WRONG = {
    "an encoder whose convolution sees a frame beyond the end": Wrong(
        "models",
        Encoder,
        """
import torch
from stages.models.encoder import Encoder

class Own(Encoder):
    output_size = 4

    def __init__(self, num_features: int = 80) -> None:
        super().__init__()
        self.layer = torch.nn.Conv1d(num_features, 4, 3, padding=1)

    def forward(self, features, lengths):
        return self.layer(features.transpose(1, 2)).transpose(1, 2), lengths
""",
        lambda cls: test_models.test_padding_changes_nothing(test_models.build(cls), "1000", 3),
    ),
    "an encoder with a layer that nothing reaches": Wrong(
        "models",
        Encoder,
        """
import torch
from stages.models.encoder import Encoder

class Own(Encoder):
    output_size = 4

    def __init__(self, num_features: int = 80) -> None:
        super().__init__()
        self.layer, self.forgotten = torch.nn.Linear(num_features, 4), torch.nn.Linear(4, 4)

    def forward(self, features, lengths):
        return self.layer(features), lengths
""",
        lambda cls: test_models.test_a_gradient_reaches_every_parameter(test_models.build(cls)),
    ),
    "a decoder that attends to padding": Wrong(
        "models",
        Decoder,
        """
import torch
from stages.models.speller import Speller

class Own(Speller):
    def remember(self, encoded, lengths):
        return super().remember(encoded, torch.full_like(lengths, encoded.shape[1]))
""",
        lambda cls: test_decoders.test_frames_beyond_the_count_change_nothing(
            test_decoders.build(cls), "noise"
        ),
    ),
    "chord heads over the mean of all frames": Wrong(
        "models",
        ChordHeads,
        """
import torch
from stages.models.linear_heads import LinearHeads

class Own(LinearHeads):
    def forward(self, hidden, lengths):
        return super().forward(hidden, torch.full_like(lengths, hidden.shape[1]))
""",
        lambda cls: test_models_heads.test_padding_changes_nothing(cls, "zeros", 1),
    ),
    "a frontend that hears what follows": Wrong(
        "frontends",
        Frontend,
        """
import torch
from stages.frontends.waveform import Waveform

class Own(Waveform):
    def forward(self, waveforms, lengths):
        heard, counts = super().forward(waveforms + waveforms.mean(1, keepdim=True), lengths)
        return heard, counts
""",
        lambda cls: test_frontends.test_padding_changes_nothing(cls(sample_rate=8000), 8000, "1000"),
    ),
    "a loss of chords that is a mean": Wrong(
        "losses",
        ChordLoss,
        """
from stages.losses.chord_recognition_loss import ChordRecognitionLoss

class Own(ChordRecognitionLoss):
    def forward(self, log_probs, targets, sizes):
        total, count = super().forward(log_probs, targets, sizes)
        return total / count, count
""",
        lambda cls: test_losses_chords.test_it_is_a_sum_over_chords_and_their_count(
            test_losses_chords.build(cls)
        ),
    ),
    "a metric that is a mean over utterances": Wrong(
        "metrics",
        Metric,
        """
from stages.metrics.metric import Metric

class Own(Metric):
    logged = ("own",)

    def compute(self, references, hypotheses):
        return {"own": sum(a != b for a, b in zip(references, hypotheses)) / len(references)}
""",
        test_metrics_contract.test_a_long_utterance_weighs_more_than_a_short_one,
    ),
    "a schedule that does not know groups": Wrong(
        "schedules",
        LRScheduler,
        """
from torch.optim.lr_scheduler import LRScheduler

class Own(LRScheduler):
    def get_lr(self):
        return [0.4 for _ in self.optimizer.param_groups]
""",
        test_schedules_contract.test_a_group_has_its_share_of_the_rate_at_every_step,
    ),
    "an augmentation with random numbers of its own": Wrong(
        "augment",
        Augmentation,
        """
import numpy as np
from stages.augment.augmentation import Augmentation

class Own(Augmentation):
    def apply(self, samples, sample_rate, generator):
        return (samples * np.random.uniform()).astype(np.float32)
""",
        lambda cls: test_augment.test_an_augmentation_draws_from_its_generator_alone(
            test_augment.always(cls)
        ),
    ),
    "a format that writes the time": Wrong(
        "formats",
        Format,
        """
import time
from stages.formats.format import Format

class Own(Format):
    def write(self, recipe, task, folder):
        (folder / "time.txt").write_text(str(time.time_ns()))
""",
        lambda cls: (
            test_formats_contract.test_the_same_weights_give_the_same_files_without_a_trace_of_this_machine(
                cls, Path.cwd()
            )
        ),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_class_that_breaks_its_contract_is_found_and_fails(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = WRONG[name]
    with contextmanager(own_modules)(tmp_path, monkeypatch, wrong.family) as write:
        module = write("newcomer", wrong.code)
        found = classes_of(wrong.base, f"stages.{wrong.family}")
        (own,) = [cls for cls in found if cls.__module__ == module]
        with pytest.raises(AssertionError):
            wrong.contract(own)
