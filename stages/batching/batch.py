"""The model's input: utterances padded to one length.

B batch, T frames (samples for waveforms), F features, U tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

Values = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Example:
    """One utterance: features (T, F), token indices (U,), the seed sequence of its augmentation."""

    id: str
    values: Values
    target: list[int]
    text: str
    draw: tuple[int, ...] = ()  # seeds its augmentation


@dataclass
class Batch:
    """Padding is 0 in ``features``; lengths mask it. Not frozen: Lightning casts it for half precision.

    ``draws`` has the seed sequence of each utterance, for augmentation of features.
    """

    ids: list[str]
    texts: list[str]
    features: Tensor  # (B, T, F) float32
    feature_lengths: Tensor  # (B,) int64
    targets: Tensor  # (B, U) int64
    target_lengths: Tensor  # (B,) int64
    draws: list[tuple[int, ...]] = field(default_factory=list)  # seeds augmentation, one per utterance

    def to(self, device: torch.device) -> "Batch":
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "Batch":
        return self._map(Tensor.pin_memory)

    def _map(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        values = {of.name: getattr(self, of.name) for of in fields(self)}
        tensors: dict[str, Any] = {name: function(v) for name, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **tensors)


def collate(examples: list[Example]) -> Batch:
    """Pad and stack examples."""
    feature_lengths = torch.tensor([len(example.values) for example in examples])
    target_lengths = torch.tensor([len(example.target) for example in examples])
    feature_size = examples[0].values.shape[1]
    features = np.zeros((len(examples), int(feature_lengths.max()), feature_size), np.float32)
    targets = np.zeros((len(examples), int(target_lengths.max())), np.int64)
    for row, example in enumerate(examples):
        features[row, : len(example.values)] = example.values
        targets[row, : len(example.target)] = example.target
    return Batch(
        ids=[example.id for example in examples],
        texts=[example.text for example in examples],
        features=torch.from_numpy(features),
        feature_lengths=feature_lengths,
        targets=torch.from_numpy(targets),
        target_lengths=target_lengths,
        draws=[example.draw for example in examples],
    )
