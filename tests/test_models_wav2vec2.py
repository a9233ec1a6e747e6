"""wav2vec2 from a folder in the hub's format, besides the tests of every encoder in test_models.py.

B batch, N samples, T' frames.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from hub_folder import Wav2Vec2FeatureExtractor, save_wav2vec2
from pydantic import ValidationError

from stages.models.wav2vec2 import TINY, Wav2Vec2
from stages.schema.nested import Unresolved, resolved
from stages.schema.part import Part

NAME = "wav2vec2-tiny"
LENGTHS = [4000, 2310]


def part(inputs: Path, **init_args: Any) -> Part:
    """As training resolves it."""
    written = {"pretrained_name": NAME, **init_args}
    return resolved(Part(class_path="stages.models.wav2vec2.Wav2Vec2", init_args=written), inputs, 16000)


def pretrained(inputs: Path, **init_args: Any) -> Wav2Vec2:
    encoder: Wav2Vec2 = part(inputs, **init_args).build(num_features=1)
    encoder.load_pretrained(inputs)
    return encoder.eval()


def waveforms() -> list[torch.Tensor]:
    """Loud and with an offset, so that normalising has an effect."""
    generator = torch.Generator().manual_seed(0)
    return [3 * torch.randn(length, generator=generator) + 1 for length in LENGTHS]


def padded() -> tuple[torch.Tensor, torch.Tensor]:
    """(B, N, 1) and lengths."""
    features = torch.nn.utils.rnn.pad_sequence(waveforms(), batch_first=True).unsqueeze(-1)
    return features, torch.tensor(LENGTHS)


def theirs(model: Any, folder: Path, samples: list[torch.Tensor]) -> torch.Tensor:
    """The library's own preprocessing of waveforms, padded to one length."""
    processor = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    arrays = [waveform.numpy() for waveform in samples]
    inputs = processor(arrays, sampling_rate=16000, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden: torch.Tensor = model.wav2vec2(**inputs).last_hidden_state
    return hidden


def test_it_computes_what_the_library_computes(tmp_path: Path) -> None:
    model = save_wav2vec2(tmp_path / NAME)
    expected = theirs(model, tmp_path / NAME, waveforms())
    with torch.no_grad():
        found, counts = pretrained(tmp_path)(*padded())
    assert counts.tolist() == model._get_feat_extract_output_lengths(torch.tensor(LENGTHS)).tolist()
    for row, count in enumerate(counts):
        torch.testing.assert_close(found[row, :count], expected[row, :count], atol=1e-5, rtol=1e-4)


def test_of_an_utterance_alone_a_model_with_group_norm_computes_what_the_library_computes(
    tmp_path: Path,
) -> None:
    group = {"feat_extract_norm": "group", "do_stable_layer_norm": False, "return_attention_mask": False}
    model = save_wav2vec2(tmp_path / NAME, **group)
    for waveform in waveforms():
        with torch.no_grad():
            found, _ = pretrained(tmp_path)(waveform[None, :, None], torch.tensor([len(waveform)]))
        torch.testing.assert_close(found, theirs(model, tmp_path / NAME, [waveform]), atol=1e-5, rtol=1e-4)


def test_a_model_with_group_norm_sees_a_little_of_its_batch_and_none_of_it_alone(tmp_path: Path) -> None:
    save_wav2vec2(
        tmp_path / NAME, feat_extract_norm="group", do_stable_layer_norm=False, return_attention_mask=False
    )
    encoder, (features, lengths) = pretrained(tmp_path), padded()
    with torch.no_grad():
        together, counts = encoder(features, lengths)
        alone, _ = encoder(features[1:, : LENGTHS[1]], lengths[1:])
    assert not encoder.masks
    assert (together[1, : counts[1]] - alone[0]).abs().max() > 1e-3


def test_the_attention_mask_is_the_checkpoints_unless_it_is_given(tmp_path: Path) -> None:
    save_wav2vec2(tmp_path / NAME, return_attention_mask=False)
    assert not pretrained(tmp_path).masks
    assert pretrained(tmp_path, return_attention_mask=True).masks
    assert Wav2Vec2().masks


def test_a_checkpoint_needs_the_folder_no_more(tmp_path: Path) -> None:
    save_wav2vec2(tmp_path / NAME)
    portable = Part.model_validate_json(part(tmp_path).model_dump_json())
    shutil.rmtree(tmp_path / NAME)
    assert portable.build(num_features=1).output_size == 16


@pytest.mark.parametrize("num_samples", [10, 219, 220, 4000])  # 220 or more are as long as a mask
def test_a_batch_that_is_shorter_than_a_mask_is_trained_without(num_samples: int) -> None:
    encoder = Wav2Vec2(mask_time_prob=0.5, mask_feature_prob=0.1).train()
    hidden, counts = encoder(torch.randn(2, num_samples, 1), torch.tensor([num_samples, 1]))
    assert hidden.shape[1] == counts[0] == max(0, num_samples - 40) // 20 + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": "x"}, "'hidden_size' expected int, got str"),
        ({"hidden_size": 0}, ""),
        ({"num_attention_heads": 5}, "divisible by num_heads"),
        ({"conv_dim": [8, 8], "conv_kernel": [3]}, "convolutional layers is incorrect"),
        ({"hidden_act": "none"}, "'none'"),
        ({"mask_time_length": 0}, "mask_time_length and conv_stride must be 1 or more"),
        ({"conv_stride": [5, 0, 2]}, "mask_time_length and conv_stride must be 1 or more"),
        (
            {"mask_feature_length": 17, "mask_feature_prob": 0.1},
            "mask_feature_length must be 1 to hidden_size, 16",
        ),
    ],
)
def test_a_config_of_which_there_is_no_model_is_refused_before_it_is_built(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    refusal = f"not a valid wav2vec2 config: .*{message}"
    with pytest.raises(ValueError, match=refusal):
        Wav2Vec2.check_arguments(config={**TINY, **changes})
    save_wav2vec2(tmp_path / NAME)
    Wav2Vec2.check_arguments(pretrained_name=NAME, config=changes)
    with pytest.raises(Unresolved, match=refusal):
        part(tmp_path, config=changes)


def test_values_of_config_take_the_place_of_the_models_own(tmp_path: Path) -> None:
    save_wav2vec2(tmp_path / NAME)
    encoder = pretrained(tmp_path, dropout=0.3, layerdrop=0.2, mask_time_prob=0.1, config={"conv_bias": True})
    found = encoder.model.config
    assert (found.hidden_dropout, found.attention_dropout, found.activation_dropout) == (0.3, 0.3, 0.3)
    assert (found.layerdrop, found.mask_time_prob, found.hidden_size) == (0.2, 0.1, 16)


@pytest.mark.parametrize("extractor", [True, False])
@pytest.mark.parametrize("transformer", [True, False])
def test_frozen_parts_have_no_gradient_and_no_dropout(extractor: bool, transformer: bool) -> None:
    encoder = Wav2Vec2(freeze_feature_extractor=extractor, freeze_transformer=transformer).train()
    model = encoder.model
    assert {p.requires_grad for p in model.feature_extractor.parameters()} == {not extractor}
    assert model.feature_extractor.training is not extractor
    for module in (model.feature_projection, model.encoder):
        assert {p.requires_grad for p in module.parameters()} == {not transformer}
        assert {part.training for part in module.modules()} == {not transformer}


def change_file(folder: Path, file: str, **changes: Any) -> None:
    path = folder / file
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("config.json", {"model_type": "hubert"}, "is a hubert, expected a wav2vec2"),
        ("config.json", {"add_adapter": True}, "has an adapter"),
        ("preprocessor_config.json", {"sampling_rate": 8000}, r"8000 Hz: set features\.sample_rate"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(
    file: str, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    save_wav2vec2(tmp_path / NAME)
    change_file(tmp_path / NAME, file, **changes)
    with pytest.raises(Unresolved, match=message):
        part(tmp_path)


def test_weights_of_another_size_are_named(tmp_path: Path) -> None:
    save_wav2vec2(tmp_path / NAME)
    change_file(tmp_path / NAME, "config.json", intermediate_size=48)
    with pytest.raises(ValueError, match=r"differ in size from its config: encoder\.layers\.0\.feed_forward"):
        pretrained(tmp_path)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    save_wav2vec2(tmp_path / NAME)
    (tmp_path / NAME / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=f"{NAME}: its weights cannot be read"):
        pretrained(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = save_wav2vec2(tmp_path / NAME)
    model.wav2vec2.encoder.layer_norm.bias.data[3] = torch.nan
    model.save_pretrained(tmp_path / NAME)
    with pytest.raises(ValueError, match=rf"{NAME}: encoder\.layer_norm\.bias is not finite"):
        pretrained(tmp_path)


def test_a_model_of_the_hub_without_network_says_how_to_use_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        Unresolved, match=r"example/none is not a folder in .*hf download example/none"
    ) as found:
        part(tmp_path, pretrained_name="example/none")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("name", ["/models/wav2vec2", "../wav2vec2"])
def test_a_folder_outside_of_train_inputs_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unresolved, match=r"must be in train\.inputs"):
        part(tmp_path, pretrained_name=name)


@pytest.mark.parametrize(
    ("init_args", "message"),
    [
        ({"config": {"hiden_size": 8}}, "has no hiden_size"),
        ({"config": {"hidden_size": 10, "num_attention_heads": 3}}, "not a valid wav2vec2 config"),
        ({"return_attention_mask": "sometimes"}, "auto"),
        ({"dropout": 1.0}, "less than 1"),
    ],
)
def test_arguments_that_cannot_be_are_refused(init_args: dict[str, Any], message: str) -> None:
    with pytest.raises((ValidationError, ValueError), match=message):
        Part(class_path="stages.models.wav2vec2.Wav2Vec2", init_args=init_args).build(num_features=1)


def test_it_takes_waveforms_only() -> None:
    with pytest.raises(ValueError, match="takes waveforms, of feature size 1, not 80"):
        Wav2Vec2(num_features=80)


def test_a_silent_utterance_is_finite() -> None:
    hidden, _ = Wav2Vec2().eval()(torch.zeros(1, 500, 1), torch.tensor([500]))
    assert hidden.isfinite().all()
