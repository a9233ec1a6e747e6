"""What a task answers; the training program never asks which one it has.

B batch, N samples, T frames, F features.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import lightning
import torch
from torch import Tensor, nn

from stages.augment.batch_augmentation import BatchAugmentation, augmented_batch
from stages.batching.batch import Batch
from stages.frontends.frontend import Frontend
from stages.metrics.metric import Metric
from stages.models.encoder import Encoder
from stages.schema.part import Family, Part, parameters_of
from stages.search.search import Search
from stages.tasks.optimization import Optimization
from stages.tokens.tokens import Tokens

Encoded = tuple[Tensor, Tensor]
MetricPart = Annotated[Part, Family("stages.metrics.metric.Metric")]
ERROR_RATES = tuple(
    Part(class_path=f"stages.metrics.{name}", init_args={"num_bootstraps": 0})
    for name in ("word_error_rate.WordErrorRate", "character_error_rate.CharacterErrorRate")
)


@dataclass(frozen=True)
class Hypothesis:
    """What was recognised in one utterance, and the best hypotheses in their order where there are more."""

    text: str
    num_blank_frames: int = 0
    num_frames: int = 0
    alternatives: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: Sequence[str], num_blank_frames: int = 0, num_frames: int = 0) -> "Hypothesis":
        """From ranked texts, of which some may be the same."""
        distinct = tuple(dict.fromkeys(texts))
        return cls(texts[0], num_blank_frames, num_frames, distinct if len(texts) > 1 else ())


class Task(lightning.LightningModule):
    """A model with its loss and its search.

    Subclasses are built with ``tokens`` (fitted), ``num_features`` and ``metrics`` (those of a validation),
    and answer ``encode``, ``loss``, ``decode``, ``unlearnable`` and ``exportable``. ``frontend`` runs first
    where the cache holds waveforms; ``augmentations`` of its features and ``optimization`` are set by the
    training stage.
    """

    content: ClassVar[str] = "text"  # what is recognised: that of its tokens and metrics
    search_family: ClassVar[type[Search] | None] = (
        None  # what evaluate.search may be, where there is a search
    )
    diagnosed: ClassVar[tuple[str, ...]] = ()  # what diagnose gives
    vocabulary_parameters: ClassVar[tuple[str, ...]] = ("head.*",)  # name patterns of the output layer

    def __init__(self, tokens: Tokens, metrics: Sequence[Part]) -> None:
        super().__init__()
        self.tokens = tokens
        self.metrics: list[Metric] = [part.build() for part in metrics]
        self.frontend: Frontend | None = None
        self.augmentations: list[BatchAugmentation] = []
        self.optimization: Optimization | None = None
        self.validated: list[tuple[str, str, Hypothesis]] = []  # id, reference, hypothesis
        self.loss_sums: dict[str, list[Tensor]] = {}  # since the last validation: total and count

    @classmethod
    def logged(cls, init_args: Mapping[str, Any]) -> set[str]:
        """What a checkpoint or early stopping may monitor, of a task with these arguments."""
        parts = init_args.get("metrics", parameters_of(cls)["metrics"].default)
        measured = {name for part in parts for name in Part.model_validate(part).load().logged}
        return {"train_loss", "val_loss", *(f"val_{name}" for name in {*measured, *cls.diagnosed})}

    @classmethod
    def unexportable(cls, init_args: Mapping[str, Any]) -> str:
        """Why a task with these arguments has nothing to export; empty if it has."""
        return ""

    def load_pretrained(self, inputs: Path) -> None:
        """The weights that its encoders begin with, where they name a pretrained model."""
        for module in self.modules():
            if isinstance(module, Encoder):
                module.load_pretrained(inputs)

    def encode(self, batch: Batch) -> Encoded:
        """What loss and decode share: (B, T', ...) and frame counts (B,)."""
        raise NotImplementedError

    def loss(self, encoded: Encoded, batch: Batch) -> tuple[Tensor, Tensor]:
        """The summed loss of a batch, and the count that it is to be divided by."""
        raise NotImplementedError

    def decode(self, encoded: Encoded, search: Search | None = None) -> list[Hypothesis]:
        """Recognise every utterance; ``search`` instead of the task's own."""
        raise NotImplementedError

    def diagnose(self, hypotheses: Sequence[Hypothesis]) -> dict[str, float]:
        """Numbers about what was recognised that need no reference."""
        return {}

    def unlearnable(self, num_frames: Sequence[int], targets: Sequence[list[int]]) -> list[int]:
        """Positions of utterances that the loss cannot learn, whatever the weights."""
        return []

    def unwritable(
        self, num_frames: Sequence[int], targets: Sequence[list[int]], search: Search | None = None
    ) -> list[int]:
        """Positions of utterances whose transcripts are longer than what the search writes at most."""
        return []

    def exportable(self) -> nn.Module:
        """A module of features (B, T, F) and counts (B,) to log-probabilities and counts."""
        raise NotImplementedError

    def decoding(self) -> dict[str, Any]:
        """How a runtime without torch decodes them: a ``kind`` of stages.formats.runtime, with arguments."""
        raise NotImplementedError

    def features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The model's input: (B, T, F) and counts, made from cached waveforms if there is a frontend, and
        augmented in training.
        """
        features, lengths = batch.features, batch.feature_lengths
        with torch.no_grad():
            if self.frontend is not None:
                features, lengths = self.frontend(features.squeeze(-1), lengths)
            if self.training and self.augmentations:
                features = augmented_batch(self.augmentations, features, lengths, batch.draws)
        return features, lengths

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        total, count = self.loss(self.encode(batch), batch)
        self._refuse_non_finite(total, "training", batch, batch_index)
        self._add("train_loss", total, count)
        # over the whole batch, whatever this device's part of it: gradients of devices are averaged
        return total * self.trainer.world_size / self._over_devices(count).clamp(min=1)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        encoded = self.encode(batch)
        total, count = self.loss(encoded, batch)
        self._refuse_non_finite(total, "validation", batch, batch_index)
        self._add("val_loss", total, count)
        references = [self.tokens.normalize(text) for text in batch.texts]
        self.validated += zip(batch.ids, references, self.decode(encoded), strict=True)

    def on_validation_epoch_start(self) -> None:
        self.validated.clear()

    def on_validation_epoch_end(self) -> None:
        if self.trainer.world_size > 1:
            parts: list[Any] = [None] * self.trainer.world_size
            torch.distributed.all_gather_object(parts, self.validated)
            self.validated = [row for part in parts for row in part]
        self.validated.sort(key=lambda row: row[0])
        references = [reference for _, reference, _ in self.validated]
        hypotheses = [hypothesis for _, _, hypothesis in self.validated]
        texts = [hypothesis.text for hypothesis in hypotheses]
        log = partial(self.log, prog_bar=True, sync_dist=True)  # devices agree; without, Lightning warns
        for metric in self.metrics:
            found = metric.compute(references, texts)
            for name in metric.logged:
                log(f"val_{name}", found[name])
        for name, value in self.diagnose(hypotheses).items():
            self.log(f"val_{name}", value, sync_dist=True)
        for name in ("train_loss", "val_loss"):
            if sums := self.loss_sums.pop(name, None):
                total, count = map(self._over_devices, sums)
                log(name, total / count.clamp(min=1))

    def samples(self, count: int) -> list[tuple[str, str, Hypothesis]]:
        """Some of the last validation's utterances, the same ones every time."""
        return self.validated[:: max(1, len(self.validated) // count)][:count]

    def configure_optimizers(self) -> Any:
        assert self.optimization is not None, "the training stage sets it before fitting"
        steps = self.trainer.estimated_stepping_batches
        epochs = self.trainer.max_epochs
        found = self.optimization.configure(self, steps, epochs if epochs and epochs > 0 else math.inf)
        if "monitor" in found.get("lr_scheduler", {}):  # it steps when there is a new value
            found["lr_scheduler"]["frequency"] = self.trainer.check_val_every_n_epoch or 1
        return found

    def _refuse_non_finite(self, total: Tensor, what: str, batch: Batch, batch_index: int) -> None:
        if not torch.isfinite(total):
            raise ValueError(
                f"the {what} loss became {total.item()} in epoch {self.current_epoch}, batch {batch_index},"
                f" utterances {', '.join(batch.ids)}: lower lr, or look at these recordings"
            )

    def _over_devices(self, value: Tensor) -> Tensor:
        summed: Tensor = self.trainer.strategy.reduce(value.clone(), reduce_op="sum")
        return summed

    def _add(self, name: str, total: Tensor, count: Tensor) -> None:
        """Sum up an epoch's loss, so that a partial last batch weighs what it holds."""
        before = self.loss_sums.get(name, [torch.zeros_like(total), torch.zeros_like(count)])
        self.loss_sums[name] = [before[0] + total.detach(), before[1] + count]
