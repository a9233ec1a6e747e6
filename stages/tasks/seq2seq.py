"""Recognition token by token: an encoder, and a decoder that attends to it.

B batch, T frames, D width, U tokens, V vocabulary.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.batching.batch import Batch
from stages.losses.cross_entropy import cross_entropy
from stages.losses.ctc_loss import ctc_loss
from stages.models.decoder import Decoder, DecoderPart
from stages.models.encoder import Encoder, EncoderPart
from stages.padding.mask import frame_mask
from stages.schema.families import MetricPart
from stages.schema.part import Part, parameters_of
from stages.schema.quantities import Fraction, PositiveInt, Probability
from stages.search.decoder_search import DecoderSearch, DecoderSearchPart
from stages.search.search import Search
from stages.tasks.ctc import LogProbs, best_path, encoded_lengths, too_short
from stages.tasks.task import ERROR_RATES, Encoded, Hypothesis, Task
from stages.tokens.tokens import Tokens


class Seq2Seq(Task):
    """Cross-entropy of each token after the right ones before it; what is recognised follows its own.

    The vocabulary is that of CTC: the blank, which no text holds, is also the boundary at which the
    decoder starts and ends. ``ctc_weight`` is the share of the CTC loss of a linear layer over the
    encoder, which makes attention go forward (Watanabe et al. 2017,
    https://doi.org/10.1109/JSTSP.2017.2763455); without it the model cannot be exported.

    ``sampling_probability`` is the share of the tokens before that training replaces by what the model
    takes for likely there (scheduled sampling, Bengio et al. 2015, https://arxiv.org/abs/1506.03099). All
    of them are drawn after one pass over the right tokens (Mihaylova and Martins 2019,
    https://arxiv.org/abs/1906.07651).
    """

    search_family: ClassVar[type[Search]] = DecoderSearch
    vocabulary_parameters: ClassVar[tuple[str, ...]] = ("head.*", "decoder.embedding.*", "decoder.output.*")

    def __init__(
        self,
        tokens: Tokens,
        num_features: PositiveInt,
        encoder: EncoderPart = Part(class_path="stages.models.listener.Listener"),
        decoder: DecoderPart = Part(class_path="stages.models.speller.Speller"),
        search: DecoderSearchPart = Part(class_path="stages.search.decoder_greedy.DecoderGreedy"),
        ctc_weight: Probability = 0.3,
        label_smoothing: Probability = 0.1,
        sampling_probability: Fraction = 0.0,
        metrics: list[MetricPart] = list(ERROR_RATES),  # noqa: B006 - never changed
    ) -> None:
        super().__init__(tokens, metrics)
        self.search: DecoderSearch = search.build()
        self.encoder: Encoder = encoder.build(num_features=num_features)
        sizes = {"memory_size": self.encoder.output_size, "vocabulary_size": len(tokens.vocabulary)}
        self.decoder: Decoder = decoder.build(**sizes)
        self.head = nn.Linear(self.encoder.output_size, len(tokens.vocabulary)) if ctc_weight else None
        self.ctc_weight = ctc_weight
        self.label_smoothing = label_smoothing
        self.sampling_probability = sampling_probability

    @classmethod
    def unexportable(cls, init_args: Mapping[str, Any]) -> str:
        if init_args.get("ctc_weight", parameters_of(cls)["ctc_weight"].default):
            return ""
        return (
            "with ctc_weight 0 there are no log-probabilities by frame to export: raise it, or set it to []"
        )

    def encode(self, batch: Batch) -> Encoded:
        """The encoder's frames (B, T', D) and counts."""
        found: Encoded = self.encoder(*self.features(batch))
        return found

    def loss(self, encoded: Encoded, batch: Batch) -> tuple[Tensor, Tensor]:
        self.decoder.epoch = self.current_epoch
        hidden, lengths = encoded
        inputs, aims, aim_lengths = self.bounded(batch.targets, batch.target_lengths)
        if self.training and self.sampling_probability:
            inputs = self.sampled(encoded, inputs, aim_lengths)
        log_probs = self.decoder(hidden, lengths, inputs, aim_lengths)
        total, count = cross_entropy(log_probs, aims, aim_lengths, self.label_smoothing)
        if self.head is None:
            return total, count
        framewise = self.head(hidden).log_softmax(-1)
        ctc, _ = ctc_loss(framewise, lengths, batch.targets, batch.target_lengths, self.tokens.blank_index)
        return (1 - self.ctc_weight) * total + self.ctc_weight * ctc, count

    def bounded(self, targets: Tensor, target_lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the decoder reads and what it is to write, both (B, U + 1), and their lengths (B,).

        The boundary comes first in the one and last in the other.
        """
        boundary = self.tokens.blank_index
        inside = frame_mask(target_lengths, targets.shape[1])
        inputs = functional.pad(targets.masked_fill(~inside, boundary), (1, 0), value=boundary)
        aims = functional.pad(targets.masked_fill(~inside, boundary), (0, 1), value=boundary)
        return inputs, aims, target_lengths + 1

    def sampled(self, encoded: Encoded, inputs: Tensor, input_lengths: Tensor) -> Tensor:
        """Inputs of which each, but the first, is replaced with ``sampling_probability`` by a drawn one.

        Where probabilities are not finite nothing is drawn: the loss will tell of them.
        """
        with torch.no_grad():
            expected = self.decoder(*encoded, inputs, input_lengths).exp()[:, :-1]  # (B, U, V)
        finite = expected.isfinite().all(-1, keepdim=True)
        drawn = torch.multinomial(expected.where(finite, 1.0).flatten(0, 1), 1).view(expected.shape[:2])
        replaced = torch.rand(drawn.shape, device=drawn.device) < self.sampling_probability
        replaced &= finite.squeeze(-1)
        return torch.cat([inputs[:, :1], torch.where(replaced, drawn, inputs[:, 1:])], dim=1)

    def decode(self, encoded: Encoded, search: Search | None = None) -> list[Hypothesis]:
        chosen = search or self.search
        assert isinstance(chosen, DecoderSearch)
        found = chosen(self.decoder, *encoded, self.tokens.blank_index)
        return [Hypothesis.of([self.tokens.decode(c.tokens) for c in candidates]) for candidates in found]

    def unlearnable(self, num_frames: Sequence[int], targets: Sequence[list[int]]) -> list[int]:
        return too_short(self.frontend, self.encoder, num_frames, targets) if self.head else []

    def unwritable(
        self, num_frames: Sequence[int], targets: Sequence[list[int]], search: Search | None = None
    ) -> list[int]:
        chosen = search or self.search
        assert isinstance(chosen, DecoderSearch)
        limits = chosen.limits(encoded_lengths(self.frontend, self.encoder, num_frames))
        pairs = enumerate(zip(limits, targets, strict=True))
        return [position for position, (limit, target) in pairs if len(target) > limit]

    def exportable(self) -> nn.Module:
        """The encoder with the head of the CTC loss."""
        if self.head is None:
            raise ValueError("train.task.init_args.ctc_weight is 0, so there is nothing to export")
        return LogProbs(self.encoder, self.head)

    def decoding(self) -> dict[str, Any]:
        return best_path(self.tokens)
