"""What an encoder answers.

B batch, T frames, F features, D width, T' frames after subsampling.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from torch import Tensor, nn

from stages.schema.part import Family, Part


class Encoder(nn.Module, ABC):
    """Features (B, T, F) and frame counts (B,) to a representation (B, T', D) and its counts (B,).

    Padding changes nothing: frames beyond an utterance's count never reach those within it. An encoder of
    waveforms, T samples and F = 1, says so by its ``domain``. One whose output is no frames, but always as
    many positions, says how many: no text can be recognised along them. ``bins_per_octave`` is what it takes,
    if it takes but one. One that ONNX cannot hold says that it is not ``exportable``.
    """

    domain: ClassVar[Literal["features", "waveform"]] = "features"
    num_positions: ClassVar[int | None] = None
    bins_per_octave: ClassVar[int | None] = None
    exportable: ClassVar[bool] = True
    output_size: int  # D

    @abstractmethod
    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]: ...

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Frame counts after subsampling: (B,) to (B,)."""
        return lengths

    def load_pretrained(self, inputs: Path) -> None:
        """Take over weights that were trained before, from train.inputs or a hub; none by default."""


EncoderPart = Annotated[
    Part, Family("stages.models.encoder.Encoder", {"num_features": "the frontend's feature size"})
]
