"""Every decoder of stages/models, unseen: what stages/models/decoder.py promises.

B batch, T frames, D width, U tokens, V vocabulary.
"""

import io
from collections.abc import Iterator

import pytest
import torch
from family import classes_of
from padding import PADDINGS, padded
from torch import Tensor

from stages.models.decoder import Decoder, attend
from stages.models.speller import Speller
from stages.models.tds_decoder import TDSDecoder
from stages.schema.part import Part

DECODERS = classes_of(Decoder)
MEMORY_SIZE, VOCABULARY_SIZE = 10, 7
LENGTHS = torch.tensor([12, 5, 1])
INPUTS = torch.tensor([[0, 3, 1, 6, 6, 2], [0, 2, 2, 5, 0, 0], [0, 4, 0, 0, 0, 0]])
INPUT_LENGTHS = torch.tensor([6, 4, 2])


def build(cls: type[Decoder], seed: int = 0, vocabulary_size: int = VOCABULARY_SIZE) -> Decoder:
    """As a task builds it: its own small defaults, and the sizes of its company."""
    torch.manual_seed(seed)
    part = Part(class_path=f"{cls.__module__}.{cls.__name__}")
    decoder: Decoder = part.build(memory_size=MEMORY_SIZE, vocabulary_size=vocabulary_size)
    return decoder.eval()


@pytest.fixture(params=DECODERS, ids=lambda cls: cls.__name__)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return build(request.param)


@pytest.fixture(autouse=True)
def no_gradients(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


def frames() -> Tensor:
    """What an encoder gives: (B, T, D)."""
    return torch.randn(3, 12, MEMORY_SIZE, generator=torch.Generator().manual_seed(1))


def forward(decoder: Decoder, encoded: Tensor | None = None) -> Tensor:
    return decoder(frames() if encoded is None else encoded, LENGTHS, INPUTS, INPUT_LENGTHS)


def within(log_probs: Tensor) -> list[Tensor]:
    """Each utterance's own tokens: (U, V)."""
    return [row[:length] for row, length in zip(log_probs, INPUT_LENGTHS, strict=True)]


def test_the_decoders_are_found() -> None:
    assert {Speller, TDSDecoder} <= set(DECODERS)


def test_log_probabilities_are_normalised(decoder: Decoder) -> None:
    log_probs = forward(decoder)
    assert log_probs.shape == (*INPUTS.shape, VOCABULARY_SIZE)
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(INPUTS.shape))


def test_token_by_token_gives_what_all_tokens_at_once_do(decoder: Decoder) -> None:
    memory = decoder.remember(frames(), LENGTHS)
    state = decoder.start(memory)
    together = forward(decoder)
    for position, tokens in enumerate(INPUTS.unbind(1)):
        log_probs, state = decoder.step(tokens, memory, state)
        torch.testing.assert_close(log_probs, together[:, position], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("padding", PADDINGS)
def test_frames_beyond_the_count_change_nothing(decoder: Decoder, padding: str) -> None:
    longer = padded(frames(), LENGTHS, padding, num_more=30)
    for found, expected in zip(within(forward(decoder, longer)), within(forward(decoder)), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_frames_within_the_count_change_something(decoder: Decoder) -> None:
    assert not forward(decoder, 2 * frames()).allclose(forward(decoder), atol=1e-4)


def test_the_rest_of_the_batch_changes_nothing(decoder: Decoder) -> None:
    together = forward(decoder)
    for row, (length, count) in enumerate(zip(LENGTHS, INPUT_LENGTHS, strict=True)):
        alone = decoder(
            frames()[row : row + 1, :length], length[None], INPUTS[row : row + 1, :count], count[None]
        )
        torch.testing.assert_close(together[row, :count], alone[0], atol=1e-5, rtol=1e-5)


def test_a_token_never_sees_those_after_it(decoder: Decoder) -> None:
    changed = INPUTS.clone()
    changed[:, 3:] = 1
    assert decoder(frames(), LENGTHS, changed, INPUT_LENGTHS)[:, :3].allclose(forward(decoder)[:, :3])


def test_the_state_follows_its_row(decoder: Decoder) -> None:
    memory = decoder.remember(frames(), LENGTHS)
    _, state = decoder.step(INPUTS[:, 1], memory, decoder.start(memory))
    rows = torch.tensor([2, 0, 0, 1])
    moved = [{name: tensor[rows] for name, tensor in kept.items()} for kept in (memory, state)]
    expected, _ = decoder.step(INPUTS[:, 2], memory, state)
    torch.testing.assert_close(decoder.step(INPUTS[rows, 2], *moved)[0], expected[rows])


def test_a_gradient_reaches_every_parameter(decoder: Decoder) -> None:
    encoded = frames().requires_grad_()
    log_probs = torch.cat(within(decoder(encoded, LENGTHS, INPUTS, INPUT_LENGTHS)))
    (log_probs * torch.randn(log_probs.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    untouched = [
        name for name, weight in decoder.named_parameters() if weight.grad is None or not weight.grad.any()
    ]
    assert not untouched
    assert encoded.grad is not None
    assert encoded.grad[:, 0].any(-1).all()
    assert not encoded.grad[1, 5:].any()


@pytest.mark.parametrize("cls", DECODERS)
def test_the_same_seed_gives_the_same_decoder_and_the_same_dropout(cls: type[Decoder]) -> None:
    first, second = (forward(build(cls, seed=5).train()) for _ in range(2))
    assert first.equal(second)
    assert not first.equal(forward(build(cls, seed=6).train()))


def test_evaluation_draws_nothing(decoder: Decoder) -> None:
    assert forward(decoder).equal(forward(decoder))


@pytest.mark.parametrize("cls", DECODERS)
def test_saved_weights_give_the_same_output_in_another_decoder(cls: type[Decoder]) -> None:
    trained, fresh = build(cls, seed=0), build(cls, seed=1)
    file = io.BytesIO()
    torch.save(trained.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert forward(fresh).equal(forward(trained))


@pytest.mark.parametrize("cls", DECODERS)
def test_only_embedding_and_output_depend_on_the_vocabulary(cls: type[Decoder]) -> None:
    small, large = (dict(build(cls, vocabulary_size=size).named_parameters()) for size in (5, 9))
    differing = {name for name in small if small[name].shape != large[name].shape}
    assert differing == {"embedding.weight", "output.weight", "output.bias"}


def test_attention_is_the_mean_of_the_values_where_all_keys_are_alike() -> None:
    values = torch.tensor([[[1.0], [2.0], [6.0], [99.0]]])
    mask = torch.tensor([[True, True, True, False]])
    assert attend(torch.ones(1, 1, 2), torch.ones(1, 4, 2), values, mask).item() == pytest.approx(3.0)


def test_attention_follows_the_scaled_scores() -> None:
    queries, keys = torch.tensor([[[2.0, 0, 0, 0]]]), torch.tensor([[[1.0, 0, 0, 0], [0.0, 1, 0, 0]]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    found = attend(queries, keys, torch.tensor([[[1.0], [0.0]]]), mask).item()
    assert found == pytest.approx(1 / (1 + 2.718281828**-1))  # scores 2 / sqrt(4) and 0


class TestSoftWindow:
    """A query's place is its number times frames over tokens; the penalty is (distance / 2)^2 / 2 here."""

    decoder = TDSDecoder(
        memory_size=10, vocabulary_size=7, soft_window_epochs=2, soft_window_frames=2.0, dropout=0.0
    )

    def test_the_penalty_is_the_square_of_the_distance_from_the_diagonal(self) -> None:
        window = self.decoder.soft_window(torch.tensor([8]), torch.tensor([4]), 8, 4)
        assert window[0, 0].tolist() == [frame**2 / 8 for frame in range(8)]
        assert window[0, 3].tolist() == [(frame - 6) ** 2 / 8 for frame in range(8)]

    @pytest.mark.parametrize(
        ("epoch", "training", "drawn"),
        [(0, True, True), (1, True, True), (2, True, False), (0, False, False)],
    )
    def test_it_is_for_the_first_epochs_of_training(self, epoch: int, training: bool, drawn: bool) -> None:
        plain = forward(build_like(self.decoder, epochs=0))
        self.decoder.train(training).epoch = epoch
        assert forward(self.decoder).allclose(plain, atol=1e-6) == (not drawn)


def build_like(decoder: TDSDecoder, epochs: int) -> TDSDecoder:
    other = TDSDecoder(memory_size=10, vocabulary_size=7, soft_window_epochs=epochs, dropout=0.0)
    other.load_state_dict(decoder.state_dict())
    return other.train()
