"""Every encoder of stages/models: what stages/models/encoder.py promises.

B batch, T frames, F features, D width, T' frames after subsampling.
"""

import io
from collections.abc import Iterator

import pytest
import torch
from family import classes_of
from padding import PADDINGS, padded
from pydantic import TypeAdapter
from torch import Tensor

from stages.models.conformer import Conformer
from stages.models.encoder import Encoder, EncoderPart
from stages.models.simple_ctc import SimpleCTC
from stages.schema.part import Part

ENCODERS = classes_of(Encoder)
NUM_FEATURES = 13
LENGTHS = torch.tensor([50, 23, 8, 1])
SAMPLES_PER_FRAME = 40  # for encoders of waveforms, whose lengths are samples


def num_features(cls: type[Encoder]) -> int:
    return 1 if cls.domain == "waveform" else NUM_FEATURES


def build(cls: type[Encoder], seed: int = 0) -> Encoder:
    """As a task builds it: with its small defaults and the frontend's feature size."""
    torch.manual_seed(seed)
    encoder: Encoder = Part(class_path=f"{cls.__module__}.{cls.__name__}").build(
        num_features=num_features(cls)
    )
    return encoder.eval()


@pytest.fixture(params=ENCODERS, ids=lambda cls: cls.__name__)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return build(request.param)


@pytest.fixture(autouse=True)
def no_gradients(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


def lengths(encoder: Encoder) -> Tensor:
    return LENGTHS * (SAMPLES_PER_FRAME if encoder.domain == "waveform" else 1)


def batch(encoder: Encoder) -> Tensor:
    """Features (B, T, F) of these lengths, 0 beyond."""
    shape = (len(LENGTHS), int(lengths(encoder).max()), num_features(type(encoder)))
    features = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    for row, length in enumerate(lengths(encoder)):
        features[row, length:] = 0.0
    return features


def within(encoded: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Each utterance's own frames: (T', D)."""
    return [row[:length] for row, length in zip(*encoded, strict=True)]


def test_the_encoders_are_found() -> None:
    assert {SimpleCTC, Conformer} <= set(ENCODERS)


@pytest.mark.parametrize("num_frames", [1, 2, 3, 4, 5, 6, 7, 8, 9, 31])
def test_an_utterance_alone_has_exactly_its_counted_frames(encoder: Encoder, num_frames: int) -> None:
    length = torch.tensor([num_frames])
    hidden, counts = encoder(torch.zeros(1, num_frames, num_features(type(encoder))), length)
    assert counts.equal(encoder.output_lengths(length))
    assert hidden.shape == (1, int(counts), encoder.output_size)


def test_a_batch_is_as_long_as_its_longest_utterance(encoder: Encoder) -> None:
    hidden, counts = encoder(batch(encoder), lengths(encoder))
    assert counts.equal(encoder.output_lengths(lengths(encoder)))
    assert counts.dtype == torch.int64
    assert hidden.shape == (len(LENGTHS), int(counts.max()), encoder.output_size)


def test_the_base_class_is_not_one_to_use() -> None:
    with pytest.raises(ValueError, match=r"stages\.models\.encoder\.Encoder is a base class"):
        TypeAdapter(EncoderPart).validate_python({"class_path": "stages.models.encoder.Encoder"})


def test_every_utterance_keeps_a_frame(encoder: Encoder) -> None:
    assert encoder.output_lengths(torch.tensor([1])).item() >= 1


@pytest.mark.parametrize("num_more", [0, 1, 2, 3, 40])
@pytest.mark.parametrize("padding", PADDINGS)
def test_padding_changes_nothing(encoder: Encoder, padding: str, num_more: int) -> None:
    features = batch(encoder)
    longer = within(encoder(padded(features, lengths(encoder), padding, num_more), lengths(encoder)))
    for found, plain in zip(longer, within(encoder(features, lengths(encoder))), strict=True):
        torch.testing.assert_close(found, plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("padding", PADDINGS)
def test_no_gradient_comes_back_from_padding(encoder: Encoder, padding: str) -> None:
    features = padded(batch(encoder), lengths(encoder), padding, num_more=3).requires_grad_()
    torch.cat(within(encoder(features, lengths(encoder)))).square().sum().backward()
    assert features.grad is not None
    assert not any(own[length:].any() for own, length in zip(features.grad, lengths(encoder), strict=True))


def test_the_rest_of_the_batch_changes_nothing(encoder: Encoder) -> None:
    features = batch(encoder)
    together = within(encoder(features, lengths(encoder)))
    for row, length in enumerate(lengths(encoder)):
        alone, _ = encoder(features[row : row + 1, :length], length[None])
        torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=1e-5)


def test_a_gradient_reaches_every_parameter(encoder: Encoder) -> None:
    hidden = torch.cat(within(encoder(batch(encoder), lengths(encoder))))
    (hidden * torch.randn(hidden.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    untouched = [
        name for name, weight in encoder.named_parameters() if weight.grad is None or not weight.grad.any()
    ]
    assert not untouched


def test_gradients_are_finite_on_digital_silence(encoder: Encoder) -> None:
    torch.cat(within(encoder(torch.zeros_like(batch(encoder)), lengths(encoder)))).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in encoder.parameters())


@pytest.mark.parametrize("cls", ENCODERS)
def test_the_same_seed_gives_the_same_model_and_the_same_dropout(cls: type[Encoder]) -> None:
    def output(seed: int) -> Tensor:
        encoder = build(cls, seed).train()
        hidden: Tensor = encoder(batch(encoder), lengths(encoder))[0]
        return hidden

    assert output(seed=5).equal(output(seed=5))
    assert not output(seed=5).equal(output(seed=6))


def test_evaluation_draws_nothing(encoder: Encoder) -> None:
    assert encoder(batch(encoder), lengths(encoder))[0].equal(encoder(batch(encoder), lengths(encoder))[0])


@pytest.mark.parametrize("cls", ENCODERS)
def test_saved_weights_give_the_same_output_in_another_model(cls: type[Encoder]) -> None:
    trained, fresh = build(cls, seed=0), build(cls, seed=1)
    file = io.BytesIO()
    torch.save(trained.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert fresh(batch(fresh), lengths(fresh))[0].equal(trained(batch(fresh), lengths(fresh))[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 30, "num_heads": 4}, "width 30 must be a multiple of twice num_heads 4"),
        ({"width": 12, "num_heads": 4}, "width 12 must be a multiple of twice num_heads 4"),
        ({"kernel_size": 16}, "kernel_size 16 must be odd"),
        ({"width": 0}, "greater than 0"),
        ({"dropout": 1.0}, "less than 1"),
        ({"num_blocks": 4}, "num_blocks"),
    ],
)
def test_the_conformer_refuses_what_it_cannot_be(arguments: dict[str, float], message: str) -> None:
    part = Part(class_path="stages.models.conformer.Conformer", init_args=arguments)
    with pytest.raises(ValueError, match=message):
        part.build(num_features=NUM_FEATURES)


def test_the_conformer_shortens_time_by_four() -> None:
    lengths = torch.tensor([1, 4, 5, 8, 9, 100])
    assert build(Conformer).output_lengths(lengths).tolist() == [1, 1, 2, 2, 3, 25]
