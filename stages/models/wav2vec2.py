"""wav2vec 2.0 (Baevski et al. 2020, https://arxiv.org/abs/2006.11477), by the library transformers.

B batch, N samples, T' frames, D width.
"""

from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from stages.compat.torchaudio_extension import prepare_torchaudio
from stages.models.encoder import Encoder
from stages.models.hub import Hub
from stages.padding.mask import frame_mask
from stages.schema.quantities import PositiveInt, Probability

TINY = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "conv_dim": [8, 8, 8], "conv_kernel": [10, 3, 3], "conv_stride": [5, 2, 2], "conv_bias": True,
    "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2, "feat_extract_norm": "layer",
    "do_stable_layer_norm": True, "layerdrop": 0.0, "mask_time_prob": 0.0,
}  # fmt: skip
DROPOUTS = ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout")
SHARES = ("layerdrop", "mask_time_prob", "mask_feature_prob")
Auto = Literal["auto"]


class Wav2Vec2(Encoder):
    """Strided convolutions over the waveform, then a transformer; for cached waveforms (frontends.Waveform).

    ``pretrained_name`` is a folder in train.inputs in the hub's format (config.json, model.safetensors,
    preprocessor_config.json), or a model of the Hugging Face hub (``HF_TOKEN`` in the environment where
    one is asked for; ``revision`` is a branch, tag or commit). ``config`` holds values of config.json that
    take the place of the model's own, or without a pretrained model describe one with random weights;
    without both it is a tiny one. The dropouts, ``layerdrop`` and SpecAugment's shares of masked frames and
    channels are those of the model's config unless they are given.

    ``freeze_feature_extractor`` keeps the convolutions as they are, ``freeze_transformer`` all that comes
    after them; with both, only what lies behind the encoder is trained. What is frozen has no dropout.

    Utterances are normalised to mean 0 and variance 1 (``do_normalize``) and padded with
    ``padding_value``. With ``return_attention_mask`` padding changes nothing, if feat_extract_norm is
    "layer". Models with "group" (wav2vec2-base) normalise over time, padding included, and were trained
    without a mask: they see a little of what they are batched with. "auto" takes both from the model's
    preprocessor_config.json, and is true without one.
    """

    domain: ClassVar[Literal["features", "waveform"]] = "waveform"

    def __init__(
        self,
        num_features: PositiveInt = 1,
        pretrained_name: str | None = None,
        revision: str | None = None,
        config: dict[str, Any] | None = None,
        freeze_feature_extractor: bool = False,
        freeze_transformer: bool = False,
        return_attention_mask: bool | Auto = "auto",
        do_normalize: bool | Auto = "auto",
        padding_value: float = 0.0,
        dropout: Probability | None = None,
        layerdrop: Probability | None = None,
        mask_time_prob: Probability | None = None,
        mask_feature_prob: Probability | None = None,
    ) -> None:
        super().__init__()
        assert config or not pretrained_name, "resolve puts the model's configuration in the arguments"
        if num_features != 1:
            raise ValueError(f"Wav2Vec2 takes waveforms, of feature size 1, not {num_features}")
        shares = {"layerdrop": layerdrop, "mask_time_prob": mask_time_prob}
        self.hub = Hub(pretrained_name, revision) if pretrained_name else None
        self.model: Any = _model(config, dropout=dropout, mask_feature_prob=mask_feature_prob, **shares)
        self.freeze_feature_extractor = freeze_feature_extractor
        self.freeze_transformer = freeze_transformer
        self.masks = bool(return_attention_mask)
        self.normalizes = bool(do_normalize)
        self.padding_value = padding_value
        settings = self.model.config
        kernels, strides = settings.conv_kernel, settings.conv_stride
        self.output_size = settings.hidden_size
        self.stride = prod(strides)
        self.window = 1 + sum((size - 1) * prod(strides[:place]) for place, size in enumerate(kernels))
        self.model.requires_grad_(not freeze_transformer)
        self.model.feature_extractor.requires_grad_(not freeze_feature_extractor)

    @staticmethod
    def check_arguments(
        pretrained_name: str | None = None, config: dict[str, Any] | None = None, **init_args: Any
    ) -> None:
        if not find_spec("transformers"):
            raise ValueError(
                "Wav2Vec2 needs the package transformers: pip install -c constraints.txt -e '.[pretrained]'"
            )
        if config and (unknown := sorted(config.keys() - _config({}).to_dict().keys())):
            raise ValueError(f"config: a wav2vec2's config.json knows no {', '.join(unknown)}")
        if config and pretrained_name is None:  # else resolve knows the rest of it
            _try_out(config, **init_args)

    @staticmethod
    def resolve(inputs: Path, sample_rate: int, **init_args: Any) -> dict[str, Any]:
        """The arguments with the pretrained model's configuration in them."""
        name = init_args.get("pretrained_name")
        if name is None:
            return init_args
        hub = Hub(name, init_args.get("revision"))
        settings = hub.json(inputs, "config.json")
        if settings.get("model_type") != "wav2vec2":
            raise ValueError(f"{name} is a {settings.get('model_type')}, expected a wav2vec2")
        if settings.get("add_adapter"):
            raise ValueError(f"{name} has an adapter, which shortens its output: take one without")
        processing = hub.json(inputs, "preprocessor_config.json", {})
        if (theirs := processing.get("sampling_rate", sample_rate)) != sample_rate:
            raise ValueError(f"{name} was trained at {theirs} Hz: set features.sample_rate to that")
        known = _config({}).to_dict().keys()
        own = {key: value for key, value in sorted(settings.items()) if key in known}
        for key in ("return_attention_mask", "do_normalize"):
            if init_args.get(key, "auto") == "auto":
                init_args[key] = bool(processing.get(key, True))
        init_args["config"] = {**own, **(init_args.get("config") or {})}
        _try_out(**init_args)
        return init_args

    def load_pretrained(self, inputs: Path) -> None:
        if self.hub:
            self.hub.load_weights(self.model, inputs)

    def train(self, mode: bool = True) -> "Wav2Vec2":
        super().train(mode)
        if self.freeze_transformer:
            self.model.eval()
        self.model.feature_extractor.train(mode and not self.freeze_feature_extractor)
        return self

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        mask = frame_mask(lengths, features.shape[1])
        samples = features.squeeze(-1)  # (B, N)
        if self.normalizes:
            samples = _normalized(samples, mask)
        samples = torch.where(mask, samples, self.padding_value)
        # an utterance that is shorter than the convolutions' window ends in padding, and has a frame
        missing = torch.sym_max(self.window - samples.shape[1], 0)
        samples = functional.pad(samples, (0, missing), value=self.padding_value)
        real = frame_mask(lengths.clamp(min=self.window), samples.shape[1]).long() if self.masks else None
        masked = self._unmasked(samples)
        hidden = self.model(samples, real, masked).last_hidden_state  # (B, T', D)
        return hidden, self.output_lengths(lengths)

    def _unmasked(self, samples: Tensor) -> Tensor | None:
        """No frame (B, T') of a batch that is shorter than a mask of SpecAugment, which cannot be drawn."""
        settings = self.model.config
        if not (self.model.training and settings.mask_time_prob):
            return None
        num_frames = (samples.shape[1] - self.window) // self.stride + 1
        short = num_frames < settings.mask_time_length
        return samples.new_zeros(len(samples), num_frames, dtype=torch.bool) if short else None

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return (lengths - self.window).clamp(min=0) // self.stride + 1


def _normalized(samples: Tensor, mask: Tensor) -> Tensor:
    """Mean 0 and variance 1 over each utterance's own samples: (B, N) to (B, N)."""
    count = mask.sum(1, keepdim=True)
    mean = (samples * mask).sum(1, keepdim=True) / count
    variance = ((samples - mean).square() * mask).sum(1, keepdim=True) / count
    return (samples - mean) * torch.rsqrt(variance + 1e-7)


def _config(values: dict[str, Any]) -> Any:
    from transformers import Wav2Vec2Config

    return Wav2Vec2Config(**values)


def _try_out(config: dict[str, Any], **init_args: Any) -> None:
    with torch.device("meta"):  # without memory
        _model(config, **init_args)


def _model(config: dict[str, Any] | None, dropout: float | None = None, **init_args: Any) -> Any:
    """A model with random weights; ValueError if there is none of that config."""
    prepare_torchaudio()  # transformers imports it
    from transformers import Wav2Vec2Model  # seconds, and an extra: only where it is used

    changes = {**dict.fromkeys(DROPOUTS, dropout), **{name: init_args.get(name) for name in SHARES}}
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        settings = _config({**(config or TINY), **given})
        if not 1 <= settings.mask_feature_length <= settings.hidden_size and settings.mask_feature_prob:
            raise ValueError(f"mask_feature_length must be 1 to hidden_size, {settings.hidden_size}")
        if min(settings.mask_time_length, *settings.conv_stride) < 1:
            raise ValueError("mask_time_length and conv_stride must be 1 or more")
        return Wav2Vec2Model(settings)
    except Exception as error:  # for each value of the wrong type or size another one
        raise ValueError(f"no wav2vec2 has this config: {' '.join(str(error).split())}") from error
