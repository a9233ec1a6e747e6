"""A convolution, two dense layers and an LSTM, for CTC, as small enough for a voice assistant.

The acoustic model of LearnedVector's A-Hackers-AI-Voice-Assistant
(https://github.com/LearnedVector/A-Hackers-AI-Voice-Assistant) without its last linear layer, which is
the task's head; CTC with a recurrent network is Graves et al. 2006. With 81 features, ``hidden_size`` 1024
and 29 tokens it has its 4,851,930 parameters, under its names: those of a checkpoint fit by
``rename: {"final_fc.": "head.", "": "encoder."}`` in train.init_from.

B batch, T frames, T' frames after the convolution, F features, D width.
"""

from torch import Tensor, nn
from torch.nn import functional

from stages.models.encoder import Encoder
from stages.padding.mask import frame_mask
from stages.schema.quantities import PositiveInt, Probability

KERNEL_SIZE = 10
STRIDE = 2


class LstmCTC(Encoder):
    """Halves the frame rate; reads from left to right only, so that it could listen while somebody speaks.

    LayerNorm, GELU and dropout follow the convolution, the dense layers and the LSTM. Nothing later than
    five frames reaches a frame, and frames beyond an utterance's count are 0 before the convolution: padding
    changes nothing.
    """

    def __init__(
        self,
        num_features: PositiveInt = 81,
        dense_size: PositiveInt = 128,
        hidden_size: PositiveInt = 128,
        num_layers: PositiveInt = 1,
        dropout: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.cnn = nn.Sequential(
            nn.Conv1d(num_features, num_features, KERNEL_SIZE, STRIDE, padding=KERNEL_SIZE // 2),
            NormOverFeatures(num_features, dropout),
        )
        self.dense = nn.Sequential(
            *_dense(num_features, dense_size, dropout), *_dense(dense_size, dense_size, dropout)
        )
        self.lstm = nn.LSTM(dense_size, hidden_size, num_layers)
        self.layer_norm2 = nn.LayerNorm(hidden_size)
        self.dropout2 = nn.Dropout(dropout)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        masked = features * frame_mask(lengths, features.shape[1]).unsqueeze(-1)
        hidden = self.dense(self.cnn(masked.transpose(1, 2)))  # (B, T', D)
        hidden, _ = self.lstm(hidden.transpose(0, 1))  # (T', B, D)
        hidden = self.dropout2(functional.gelu(self.layer_norm2(hidden)))
        return hidden.transpose(0, 1), self.output_lengths(lengths)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return lengths // STRIDE + 1


class NormOverFeatures(nn.Module):
    """LayerNorm over the channels of a convolution, GELU and dropout: (B, F, T') to (B, T', F)."""

    def __init__(self, num_features: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(num_features)
        self.dropout = nn.Dropout(dropout)

    def forward(self, convolved: Tensor) -> Tensor:
        hidden: Tensor = self.dropout(functional.gelu(self.norm(convolved.transpose(1, 2))))
        return hidden


def _dense(num_inputs: int, num_outputs: int, dropout: float) -> list[nn.Module]:
    return [nn.Linear(num_inputs, num_outputs), nn.LayerNorm(num_outputs), nn.GELU(), nn.Dropout(dropout)]
