"""The interface of a task; the training program works with any of them.

B batch, N samples, T frames, F features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from stages.augment.batch_augmentation import BatchAugmentation, augmented_batch
from stages.batching.batch import Batch
from stages.frontends.frontend import Frontend
from stages.metrics.metric import Metric
from stages.models.encoder import Encoder
from stages.schema.part import Part, parameters_of
from stages.search.search import Search
from stages.tokens.tokens import Tokens

Encoded = tuple[Tensor, Tensor]
ERROR_RATES = tuple(
    Part(class_path=f"stages.metrics.{name}", init_args={"num_bootstraps": 0})
    for name in ("word_error_rate.WordErrorRate", "character_error_rate.CharacterErrorRate")
)


@dataclass(frozen=True)
class Hypothesis:
    """What was recognised in one utterance, and the best hypotheses in order if there are several."""

    text: str
    num_blank_frames: int = 0
    num_frames: int = 0
    alternatives: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: Sequence[str], num_blank_frames: int = 0, num_frames: int = 0) -> "Hypothesis":
        """Create from ranked texts, which may contain duplicates."""
        distinct = tuple(dict.fromkeys(texts))
        return cls(texts[0], num_blank_frames, num_frames, distinct if len(texts) > 1 else ())


class Task(nn.Module):
    """A model with its loss and its search.

    Subclasses are built with ``tokens`` (fitted), ``num_features`` and ``metrics`` (for validation), and
    implement ``encode``, ``loss``, ``decode``, ``unlearnable`` and ``exportable``. ``frontend`` runs first
    if the cache contains waveforms; the training stage sets ``augmentations`` of its features.
    """

    content: ClassVar[str] = "text"  # what is recognised; must match its tokens and metrics
    search_family: ClassVar[type[Search] | None] = (
        None  # the base class for evaluate.search, if there is a search
    )
    diagnosed: ClassVar[tuple[str, ...]] = ()  # the keys that diagnose returns
    vocabulary_parameters: ClassVar[tuple[str, ...]] = ("head.*",)  # name patterns of the output layer

    def __init__(self, tokens: Tokens, metrics: Sequence[Part]) -> None:
        super().__init__()
        self.tokens = tokens
        self.metrics: list[Metric] = [part.build() for part in metrics]
        self.frontend: Frontend | None = None
        self.augmentations: list[BatchAugmentation] = []
        self.current_epoch = 0  # while it is trained

    @classmethod
    def logged(cls, init_args: Mapping[str, Any]) -> set[str]:
        """What a checkpoint or early stopping may monitor for a task with these arguments."""
        parts = init_args.get("metrics", parameters_of(cls)["metrics"].default)
        measured = {name for part in parts for name in Part.model_validate(part).load().logged}
        return {"train_loss", "val_loss", *(f"val_{name}" for name in {*measured, *cls.diagnosed})}

    @classmethod
    def unexportable(cls, init_args: Mapping[str, Any]) -> str:
        """Why a task with these arguments cannot be exported; empty if it can."""
        return ""

    def load_pretrained(self, inputs: Path) -> None:
        """Load the weights of its encoders' pretrained models, if they name any."""
        for module in self.modules():
            if isinstance(module, Encoder):
                module.load_pretrained(inputs)

    def encode(self, batch: Batch) -> Encoded:
        """The input of loss and decode: (B, T', ...) and frame counts (B,)."""
        raise NotImplementedError

    def loss(self, encoded: Encoded, batch: Batch) -> tuple[Tensor, Tensor]:
        """The summed loss of a batch, and the count to divide it by."""
        raise NotImplementedError

    def decode(self, encoded: Encoded, search: Search | None = None) -> list[Hypothesis]:
        """Recognise every utterance; ``search`` replaces the task's own."""
        raise NotImplementedError

    def diagnose(self, hypotheses: Sequence[Hypothesis]) -> dict[str, float]:
        """Numbers about the hypotheses that need no references."""
        return {}

    def unlearnable(self, num_frames: Sequence[int], targets: Sequence[list[int]]) -> list[int]:
        """Positions of utterances that the loss cannot learn, whatever the weights."""
        return []

    def unwritable(
        self, num_frames: Sequence[int], targets: Sequence[list[int]], search: Search | None = None
    ) -> list[int]:
        """Positions of utterances whose transcripts are longer than the search can write."""
        return []

    def exportable(self) -> nn.Module:
        """A module from features (B, T, F) and counts (B,) to log-probabilities and counts."""
        raise NotImplementedError

    def decoding(self) -> dict[str, Any]:
        """How a runtime without torch decodes: a ``kind`` of stages.formats.runtime, with its arguments."""
        raise NotImplementedError

    def features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The model's input: (B, T, F) and counts, computed from cached waveforms if there is a frontend, and
        augmented in training.
        """
        features, lengths = batch.features, batch.feature_lengths
        with torch.no_grad():
            if self.frontend is not None:
                features, lengths = self.frontend(features.squeeze(-1), lengths)
            if self.training and self.augmentations:
                features = augmented_batch(self.augmentations, features, lengths, batch.draws)
        return features, lengths
