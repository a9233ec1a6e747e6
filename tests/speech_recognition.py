"""The notebook's model and its checkpoints, written down from its description: what init_from must read.

B batch, T frames, F features, D width, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

ALPHABET = "' abcdefghijklmnopqrstuvwxyz"
TOKENS = [*ALPHABET, "<blank>"]
RENAME = {"final_fc.": "head.", "": "encoder."}


class _Normalised(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm, self.dropout = nn.LayerNorm(size), nn.Dropout(0.1)

    def forward(self, hidden: Tensor) -> Tensor:
        found: Tensor = self.dropout(functional.gelu(self.norm(hidden.transpose(1, 2))))
        return found


class SpeechRecognition(nn.Module):
    """Log-mel (B, 1, F, T) to scores (T', B, V)."""

    def __init__(self, num_features: int = 81, hidden_size: int = 1024, num_classes: int = 29) -> None:
        super().__init__()
        convolution = nn.Conv1d(num_features, num_features, 10, 2, padding=5)
        self.cnn = nn.Sequential(convolution, _Normalised(num_features))
        sizes = ((num_features, 128), (128, 128))
        self.dense = nn.Sequential(
            *(
                layer
                for inputs, outputs in sizes
                for layer in (nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.GELU(), nn.Dropout(0.1))
            )
        )
        self.lstm = nn.LSTM(128, hidden_size, 1)
        self.layer_norm2 = nn.LayerNorm(hidden_size)
        self.dropout2 = nn.Dropout(0.1)
        self.final_fc = nn.Linear(hidden_size, num_classes)

    def forward(self, spectrograms: Tensor) -> Tensor:
        hidden = self.dense(self.cnn(spectrograms.squeeze(1)))
        states, _ = self.lstm(hidden.transpose(0, 1))
        scores: Tensor = self.final_fc(self.dropout2(functional.gelu(self.layer_norm2(states))))
        return scores


def lightning_checkpoint(model: SpeechRecognition, num_steps: int = 3, lr: float = 0.05) -> dict[str, Any]:
    """What Lightning 1.x wrote after some steps of AdamW on a plateau schedule."""
    optimizer = torch.optim.AdamW(model.parameters(), lr)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=6)
    for _ in range(num_steps):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 1e-3)
        optimizer.step()
        schedule.step(1.0)
    return {
        "epoch": 1,
        "global_step": num_steps,
        "pytorch-lightning_version": "1.0.8",
        "state_dict": {f"model.{name}": weight for name, weight in model.state_dict().items()},
        "callbacks": {},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [schedule.state_dict()],
    }
