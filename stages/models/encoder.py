"""The interface of an encoder.

B batch, T frames, F features, D width, T' frames after subsampling.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from torch import Tensor, nn

from stages.schema.part import Family, Part


class Encoder(nn.Module, ABC):
    """Features (B, T, F) and frame counts (B,) to a representation (B, T', D) and its counts (B,).

    Padding must change nothing: frames beyond an utterance's count never affect those within it. ``domain``
    is "waveform" for encoders of waveforms, with T samples and F = 1. ``num_positions`` is set if the output
    is not frames, but a fixed number of positions, along which no text can be recognised. ``bins_per_octave``
    is set if only one value is accepted. ``exportable`` is False if ONNX cannot represent the encoder.
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
        """Load pretrained weights from train.inputs or a hub; none by default."""


EncoderPart = Annotated[
    Part, Family("stages.models.encoder.Encoder", {"num_features": "the frontend's feature size"})
]
