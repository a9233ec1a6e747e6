"""A tiny wav2vec2 with random weights, in the hub's format: what a download of a model looks like."""

from pathlib import Path
from typing import Any

import torch

from stages.compat.torchaudio_extension import prepare_torchaudio
from stages.models.wav2vec2 import TINY

prepare_torchaudio()  # transformers imports it
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC  # noqa: E402


def save_wav2vec2(folder: Path, **changes: Any) -> Wav2Vec2ForCTC:
    """config.json, model.safetensors (with a head over other letters) and preprocessor_config.json."""
    torch.manual_seed(7)
    masks = changes.pop("return_attention_mask", True)
    model = Wav2Vec2ForCTC(Wav2Vec2Config(**{**TINY, "vocab_size": 33, **changes})).eval()
    model.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=masks).save_pretrained(folder)
    return model
