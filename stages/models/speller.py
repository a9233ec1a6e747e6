"""The speller of Listen, Attend and Spell (Chan et al. 2015, https://arxiv.org/abs/1508.01211).

Difference from the paper: the dot product of attention is scaled, as in Vaswani et al. 2017.

B batch, T frames, D width, H hidden size, V vocabulary.
"""

import torch
from torch import Tensor, nn

from stages.models.decoder import Decoder, Tensors, attend
from stages.padding.mask import frame_mask
from stages.schema.quantities import PositiveInt, Probability


class Speller(Decoder):
    """LSTM layers over the last token and what was attended to for it; their output is the next query.

    Sonosco's size: ``embedding_size`` 512, ``hidden_size`` 512, ``num_layers`` 2.
    """

    def __init__(
        self,
        memory_size: PositiveInt,
        vocabulary_size: PositiveInt,
        embedding_size: PositiveInt = 32,
        hidden_size: PositiveInt = 64,
        num_layers: PositiveInt = 1,
        dropout: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        sizes = [embedding_size + memory_size, *[hidden_size] * (num_layers - 1)]
        self.cells = nn.ModuleList(nn.LSTMCell(size, hidden_size) for size in sizes)
        self.keys = nn.Linear(memory_size, hidden_size)
        self.mixing = nn.Linear(hidden_size + memory_size, hidden_size)
        self.output = nn.Linear(hidden_size, vocabulary_size)
        self.dropout = nn.Dropout(dropout)

    def remember(self, encoded: Tensor, lengths: Tensor) -> Tensors:
        return {"keys": self.keys(encoded), "values": encoded, "mask": frame_mask(lengths, encoded.shape[1])}

    def start(self, memory: Tensors) -> Tensors:
        values = memory["values"]
        state = {"attended": values.new_zeros(len(values), values.shape[2])}
        for number in range(len(self.cells)):
            for name in ("hidden", "cell"):
                state[f"{name}{number}"] = values.new_zeros(len(values), self.output.in_features)
        return state

    def step(self, tokens: Tensor, memory: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
        hidden = torch.cat([self.dropout(self.embedding(tokens)), state["attended"]], dim=-1)
        after: Tensors = {}
        for number, cell in enumerate(self.cells):
            pair = cell(hidden, (state[f"hidden{number}"], state[f"cell{number}"]))
            after[f"hidden{number}"], after[f"cell{number}"] = pair
            hidden = self.dropout(pair[0])  # (B, H)
        query = hidden.unsqueeze(1)
        attended = attend(query, memory["keys"], memory["values"], memory["mask"]).squeeze(1)  # (B, D)
        mixed = torch.tanh(self.mixing(torch.cat([hidden, attended], dim=-1)))
        return self.output(self.dropout(mixed)).log_softmax(-1), {**after, "attended": attended}
