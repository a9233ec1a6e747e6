"""A per-frame multilayer perceptron: the smallest encoder, for tests and first experiments."""

from torch import Tensor, nn

from stages.models.encoder import Encoder
from stages.schema.quantities import PositiveInt, Probability


class SimpleCTC(Encoder):
    """LayerNorm, linear, GELU, dropout; each output depends on a single frame."""

    def __init__(
        self, num_features: PositiveInt = 80, hidden_size: PositiveInt = 256, dropout: Probability = 0.1
    ) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.layers = nn.Sequential(
            nn.LayerNorm(num_features), nn.Linear(num_features, hidden_size), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return self.layers(features), lengths
