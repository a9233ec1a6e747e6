"""Recognition with connectionist temporal classification.

B batch, T frames, F features, D width, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from stages.batching.batch import Batch
from stages.frontends.frontend import Frontend
from stages.losses.ctc_loss import ctc_loss, frames_needed
from stages.models.encoder import Encoder, EncoderPart
from stages.padding.mask import frame_mask
from stages.schema.families import MetricPart
from stages.schema.part import Part
from stages.schema.quantities import PositiveInt
from stages.search.ctc_search import CTCSearch, CTCSearchPart
from stages.search.search import Search
from stages.tasks.task import ERROR_RATES, Encoded, Hypothesis, Task
from stages.tokens.tokens import Tokens

CHUNK = 10_000  # utterances whose targets are padded to one length


class CTC(Task):
    """An encoder, a linear layer to the vocabulary, and the CTC loss."""

    search_family: ClassVar[type[Search] | None] = CTCSearch
    diagnosed: ClassVar[tuple[str, ...]] = ("blank_ratio",)

    def __init__(
        self,
        tokens: Tokens,
        num_features: PositiveInt,
        encoder: EncoderPart = Part(class_path="stages.models.conformer.Conformer"),
        search: CTCSearchPart = Part(class_path="stages.search.greedy.Greedy"),
        metrics: list[MetricPart] = list(ERROR_RATES),  # noqa: B006 - never changed
    ) -> None:
        super().__init__(tokens, metrics)
        self.search: CTCSearch = search.build(tokens=tokens)
        self.encoder: Encoder = encoder.build(num_features=num_features)
        self.head = nn.Linear(self.encoder.output_size, len(tokens.vocabulary))

    def encode(self, batch: Batch) -> Encoded:
        """Log-probabilities (B, T', V) and counts."""
        return self.exportable()(*self.features(batch))

    def loss(self, encoded: Encoded, batch: Batch) -> tuple[Tensor, Tensor]:
        return ctc_loss(*encoded, batch.targets, batch.target_lengths, self.tokens.blank_index)

    def decode(self, encoded: Encoded, search: Search | None = None) -> list[Hypothesis]:
        log_probs, lengths = encoded
        chosen = search or self.search
        assert isinstance(chosen, CTCSearch)
        found = chosen.ranked(log_probs, lengths, self.tokens.blank_index)
        best_is_blank = log_probs.argmax(-1) == self.tokens.blank_index
        blanks = (best_is_blank & frame_mask(lengths, log_probs.shape[1])).sum(1)
        rows = zip(found, blanks.tolist(), lengths.tolist(), strict=True)
        return [
            Hypothesis.of([self.tokens.decode(indices) for indices in ranked], blank, length)
            for ranked, blank, length in rows
        ]

    def diagnose(self, hypotheses: Sequence[Hypothesis]) -> dict[str, float]:
        return {"blank_ratio": blank_ratio(hypotheses)}

    def unlearnable(self, num_frames: Sequence[int], targets: Sequence[list[int]]) -> list[int]:
        return too_short(self.frontend, self.encoder, num_frames, targets)

    def exportable(self) -> nn.Module:
        return LogProbs(self.encoder, self.head)

    def decoding(self) -> dict[str, Any]:
        return best_path(self.tokens)


class LogProbs(nn.Module):
    """Features (B, T, F) and counts to log-probabilities (B, T', V) and counts."""

    def __init__(self, encoder: Encoder, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden, lengths = self.encoder(features, lengths)
        return self.head(hidden).log_softmax(-1), lengths


def best_path(tokens: Tokens) -> dict[str, Any]:
    """What Task.decoding says of framewise log-probabilities."""
    return {"kind": "ctc", "spelling": asdict(tokens.spelling)}


def too_short(
    frontend: Frontend | None, encoder: Encoder, num_frames: Sequence[int], targets: Sequence[list[int]]
) -> list[int]:
    """Positions of utterances with fewer output frames than CTC needs."""
    lengths = encoded_lengths(frontend, encoder, num_frames)
    found: list[int] = []
    for start in range(0, len(targets), CHUNK):
        some = [torch.tensor(target) for target in targets[start : start + CHUNK]]
        needed = frames_needed(
            nn.utils.rnn.pad_sequence(some, batch_first=True), torch.tensor([len(target) for target in some])
        )
        found += ((lengths[start : start + CHUNK] < needed).nonzero().flatten() + start).tolist()
    return found


def encoded_lengths(frontend: Frontend | None, encoder: Encoder, num_frames: Sequence[int]) -> Tensor:
    """The encoder's frame counts (B,), from those of the cache: of samples where a frontend follows."""
    lengths = torch.as_tensor(num_frames)
    return encoder.output_lengths(lengths if frontend is None else frontend.num_frames(lengths))


def blank_ratio(hypotheses: Sequence[Hypothesis]) -> float:
    """The share of frames whose best token is the blank."""
    frames = sum(hypothesis.num_frames for hypothesis in hypotheses)
    return sum(hypothesis.num_blank_frames for hypothesis in hypotheses) / max(frames, 1)
