"""The interface of a decoder, which predicts tokens one by one from an encoder's output.

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

    The input layer must be named ``embedding`` and the layer of the logits ``output``, so that training from
    weights with another vocabulary finds them. Frames beyond an utterance's count must change nothing.
    ``epoch`` is the current one in training, for what lasts only some epochs.
    """

    embedding: nn.Embedding
    output: nn.Linear
    epoch: int = 0

    @abstractmethod
    def remember(self, encoded: Tensor, lengths: Tensor) -> Tensors:
        """The memory, the same for all tokens of an utterance, from frames (B, T, D) and counts (B,)."""

    @abstractmethod
    def start(self, memory: Tensors) -> Tensors:
        """The state before the first token."""

    @abstractmethod
    def step(self, tokens: Tensor, memory: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
        """After the tokens (B,): log-probabilities of the next ones (B, V), and the state."""

    def forward(self, encoded: Tensor, lengths: Tensor, inputs: Tensor, input_lengths: Tensor) -> Tensor:
        """The log-probabilities of ``step`` after each of ``inputs`` (B, U), given in advance: (B, U, V)."""
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

    Frames where ``mask`` (B, T) is False get no weight; ``penalty`` (B, U, T) is subtracted from scores.
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
