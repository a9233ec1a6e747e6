"""What a decoder answers: tokens one after another, from an encoder's output.

B batch, T frames of the encoder, D its width, U tokens, V vocabulary, Q and E widths of queries and values.
"""

from abc import ABC, abstractmethod
from typing import Annotated

import torch
from torch import Tensor, nn

from stages.schema.part import Family, Part

Tensors = dict[str, Tensor]  # by name, each with the batch in front


class Decoder(nn.Module, ABC):
    """The log-probabilities of each token, given those before it and an encoder's frames.

    What reads tokens is called ``embedding`` and what gives their logits ``output``, so that a training
    which starts from weights over another vocabulary knows them. Frames beyond an utterance's count
    change nothing. ``epoch`` is the current one while it trains, for what lasts some epochs only.
    """

    embedding: nn.Embedding
    output: nn.Linear
    epoch: int = 0

    @abstractmethod
    def remember(self, encoded: Tensor, lengths: Tensor) -> Tensors:
        """What stays the same for all tokens of an utterance, from the frames (B, T, D) and counts (B,)."""

    @abstractmethod
    def start(self, memory: Tensors) -> Tensors:
        """What goes from token to token, before the first one."""

    @abstractmethod
    def step(self, tokens: Tensor, memory: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
        """After the tokens (B,): log-probabilities of the next ones (B, V), and the state."""

    def forward(self, encoded: Tensor, lengths: Tensor, inputs: Tensor, input_lengths: Tensor) -> Tensor:
        """What step gives after each of ``inputs`` (B, U), all known beforehand: (B, U, V)."""
        memory = self.remember(encoded, lengths)
        state = self.start(memory)
        found = []
        for tokens in inputs.unbind(1):
            log_probs, state = self.step(tokens, memory, state)
            found.append(log_probs)
        return torch.stack(found, dim=1)


def attend(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, penalty: Tensor | None = None
) -> Tensor:
    """Scaled dot-product attention of (B, U, Q) to (B, T, Q) for values (B, T, E): (B, U, E).

    Frames where ``mask`` (B, T) is False get no weight; ``penalty`` (B, U, T) is taken off the scores.
    """
    scores = queries @ keys.transpose(1, 2) * queries.shape[-1] ** -0.5  # (B, U, T)
    if penalty is not None:
        scores = scores - penalty
    weights = scores.masked_fill(~mask[:, None, :], float("-inf")).softmax(-1)
    return weights @ values


DecoderPart = Annotated[
    Part,
    Family(
        "stages.models.decoder.Decoder",
        {"memory_size": "the encoder's output_size", "vocabulary_size": "train.tokens'"},
    ),
]
