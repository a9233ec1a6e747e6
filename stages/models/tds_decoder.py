"""The decoder that belongs to TDS (Hannun et al. 2019, https://arxiv.org/abs/1904.02619).

B batch, T frames, D width, U tokens, H width of queries and keys, E of values, V vocabulary.
"""

import torch
from torch import Tensor, nn

from stages.models.decoder import Decoder, Tensors, attend
from stages.padding.mask import frame_mask
from stages.schema.quantities import NonNegativeInt, PositiveFloat, PositiveInt, Probability


class TDSDecoder(Decoder):
    """A GRU over the tokens alone, whose output queries keys and values that are made of the frames.

    As what was attended to is no input of the GRU, all tokens of a training text are one pass. In the first
    ``soft_window_epochs`` epochs of training, and never when it recognises, attention is drawn to the
    diagonal: a frame's score falls by the square of its distance from it over twice the square of
    ``soft_window_frames``.

    Sonosco's size: ``embedding_size`` 5, ``hidden_size`` and ``value_size`` 512, window of 4 frames off after
    3 epochs.
    """

    def __init__(
        self,
        memory_size: PositiveInt,
        vocabulary_size: PositiveInt,
        embedding_size: PositiveInt = 32,
        hidden_size: PositiveInt = 64,
        value_size: PositiveInt = 64,
        soft_window_epochs: NonNegativeInt = 3,
        soft_window_frames: PositiveFloat = 4.0,
        dropout: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.queries = nn.GRU(embedding_size, hidden_size, batch_first=True)
        self.keys = nn.Linear(memory_size, hidden_size)
        self.values = nn.Linear(memory_size, value_size)
        self.mixing = nn.Linear(hidden_size + value_size, hidden_size)
        self.output = nn.Linear(hidden_size, vocabulary_size)
        self.dropout = nn.Dropout(dropout)
        self.soft_window_epochs = soft_window_epochs
        self.soft_window_frames = soft_window_frames

    def remember(self, encoded: Tensor, lengths: Tensor) -> Tensors:
        mask = frame_mask(lengths, encoded.shape[1])
        return {"keys": self.keys(encoded), "values": self.values(encoded), "mask": mask}

    def start(self, memory: Tensors) -> Tensors:
        keys = memory["keys"]
        return {"hidden": keys.new_zeros(len(keys), keys.shape[2])}

    def step(self, tokens: Tensor, memory: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
        log_probs, hidden = self._after(tokens.unsqueeze(1), memory, state["hidden"], None)
        return log_probs.squeeze(1), {"hidden": hidden}

    def forward(self, encoded: Tensor, lengths: Tensor, inputs: Tensor, input_lengths: Tensor) -> Tensor:
        memory = self.remember(encoded, lengths)
        draws = self.training and self.epoch < self.soft_window_epochs
        penalty = self.soft_window(lengths, input_lengths, encoded.shape[1], inputs.shape[1])
        hidden = self.start(memory)["hidden"]
        return self._after(inputs, memory, hidden, penalty if draws else None)[0]

    def soft_window(self, lengths: Tensor, input_lengths: Tensor, num_frames: int, num_tokens: int) -> Tensor:
        """What a frame's score loses for its distance from a token's place on the diagonal: (B, U, T)."""
        tokens = torch.arange(num_tokens, device=lengths.device)
        frames = torch.arange(num_frames, device=lengths.device)
        places = tokens[None, :] * (lengths / input_lengths)[:, None]  # (B, U)
        distances = frames[None, None, :] - places.unsqueeze(-1)
        return distances.square() / (2 * self.soft_window_frames**2)

    def _after(
        self, inputs: Tensor, memory: Tensors, hidden: Tensor, penalty: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities after tokens (B, U) that go on from a hidden state (B, H), and the next one."""
        queries, last = self.queries(self.dropout(self.embedding(inputs)), hidden.unsqueeze(0).contiguous())
        attended = attend(queries, memory["keys"], memory["values"], memory["mask"], penalty)  # (B, U, E)
        mixed = torch.tanh(self.mixing(torch.cat([queries, attended], dim=-1)))
        return self.output(self.dropout(mixed)).log_softmax(-1), last.squeeze(0)
