"""The Conformer against the paper's equations in numpy, with loops over utterances and frames.

B batch, T frames, F features, D width, H heads, K taps.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from stages.models.conformer import Conformer

Array = np.ndarray[Any, np.dtype[np.float64]]
Weights = dict[str, Array]


def within(weights: Weights, module: str) -> Weights:
    return {
        name.removeprefix(f"{module}."): value
        for name, value in weights.items()
        if name.startswith(f"{module}.")
    }


def linear(x: Array, weights: Weights) -> Array:
    return x @ weights["weight"].T + weights["bias"]


def layer_norm(x: Array, weights: Weights) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * weights["weight"] + weights["bias"]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def gelu(x: Array) -> Array:
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def subsampled(x: Array, weights: Weights) -> Array:
    """(T, F) to (T/4, D): two 3x3 convolutions of stride 2, with zeros at the edges."""
    planes = x[None]  # (C, T, F)
    for name in ("first", "second"):
        kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        padded = np.pad(planes, [(0, 0), (1, 1), (1, 1)])
        rows, columns = ((size + 1) // 2 for size in planes.shape[1:])
        found = np.zeros((len(kernel), rows, columns))
        for row, column in np.ndindex(rows, columns):
            patch = padded[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            found[:, row, column] = (kernel * patch).sum((1, 2, 3)) + bias
        planes = gelu(found)
    return linear(planes.transpose(1, 0, 2).reshape(planes.shape[1], -1), within(weights, "output"))


def feedforward(x: Array, weights: Weights) -> Array:
    hidden = linear(layer_norm(x, within(weights, "0")), within(weights, "1"))
    return linear(hidden * sigmoid(hidden), within(weights, "3"))


def turned(vectors: Array) -> Array:
    """Rotary positions (Su et al. 2021): elements i and N + i of a vector (T, 2N) are a complex number,
    which frame t rotates by t / 10000 ** (i / N).
    """
    half = vectors.shape[1] // 2
    angles = np.arange(len(vectors))[:, None] / 10000 ** (np.arange(half) / half)
    numbers = (vectors[:, :half] + 1j * vectors[:, half:]) * np.exp(1j * angles)
    return np.concatenate([numbers.real, numbers.imag], axis=1)


def attention(x: Array, weights: Weights, num_heads: int) -> Array:
    projected = linear(layer_norm(x, within(weights, "norm")), within(weights, "inputs"))
    queries, keys, values = (np.split(part, num_heads, axis=1) for part in np.split(projected, 3, axis=1))
    heads = []
    for query, key, value in zip(queries, keys, values, strict=True):
        scores = np.exp(turned(query) @ turned(key).T / math.sqrt(query.shape[1]))
        heads.append(scores / scores.sum(1, keepdims=True) @ value)
    return linear(np.concatenate(heads, axis=1), within(weights, "output"))


def convolution(x: Array, weights: Weights) -> Array:
    values, gates = np.split(linear(layer_norm(x, within(weights, "norm")), within(weights, "gate")), 2, 1)
    kernel = weights["depthwise.weight"][:, 0]  # (D, K)
    reach = kernel.shape[1] // 2
    padded = np.pad(values * sigmoid(gates), [(reach, reach), (0, 0)])
    mixed = np.stack([(padded[t : t + kernel.shape[1]] * kernel.T).sum(0) for t in range(len(x))])
    hidden = layer_norm(mixed + weights["depthwise.bias"], within(weights, "depthwise_norm"))
    return linear(hidden * sigmoid(hidden), within(weights, "output"))


def block(x: Array, weights: Weights, num_heads: int) -> Array:
    """Section 2.4 of the paper."""
    x = x + feedforward(x, within(weights, "feedforward_in")) / 2
    x = x + attention(x, within(weights, "attention"), num_heads)
    x = x + convolution(x, within(weights, "convolution"))
    x = x + feedforward(x, within(weights, "feedforward_out")) / 2
    return layer_norm(x, within(weights, "norm"))


def drawn(num_features: int, **arguments: int) -> tuple[Conformer, Weights]:
    """A Conformer with random parameters, including biases and norms."""
    torch.manual_seed(4)
    encoder = Conformer(num_features, dropout=0.0, **arguments).eval().requires_grad_(False)
    for weight in encoder.parameters():
        weight.normal_(std=0.5)
    return encoder, {name: value.double().numpy() for name, value in encoder.state_dict().items()}


def features(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("num_features", [7, 8])
@pytest.mark.parametrize("num_heads", [1, 2])
def test_every_utterance_of_a_batch_is_what_the_paper_computes(num_features: int, num_heads: int) -> None:
    encoder, weights = drawn(
        num_features,
        width=8,
        num_layers=2,
        num_heads=num_heads,
        feedforward_factor=3,
        kernel_size=5,
        subsampling_channels=3,
    )
    lengths, batch = torch.tensor([43, 22, 3]), features(3, 43, num_features)
    for row, length in enumerate(lengths):
        batch[row, length:] = 0.0  # as frontends pad
    hidden, counts = encoder(batch, lengths)
    assert counts.tolist() == [11, 6, 1]
    for row, (length, count) in enumerate(zip(lengths.tolist(), counts.tolist(), strict=True)):
        x = subsampled(batch[row, :length].double().numpy(), within(weights, "subsampling"))
        for layer in range(2):
            x = block(x, within(weights, f"blocks.{layer}"), num_heads)
        np.testing.assert_allclose(hidden[row, :count].numpy(), x, rtol=1e-4, atol=1e-4)


PARTS: dict[str, Callable[[Array, Weights], Array]] = {
    "feedforward_in": feedforward,
    "attention": lambda x, weights: attention(x, weights, num_heads=2),
    "convolution": convolution,
}


@pytest.mark.parametrize("part", PARTS)
def test_a_module_of_a_block_is_what_the_paper_computes(part: str) -> None:
    """As above, module by module."""
    encoder, weights = drawn(8, width=8, num_layers=1, num_heads=2, kernel_size=3)
    module, x = getattr(encoder.blocks[0], part), features(1, 9, 8)
    masked = () if part == "feedforward_in" else (torch.ones(1, 9, dtype=torch.bool),)
    expected = PARTS[part](x[0].double().numpy(), within(weights, f"blocks.0.{part}"))
    np.testing.assert_allclose(module(x, *masked)[0].numpy(), expected, rtol=1e-4, atol=1e-4)


def test_a_frame_turns_the_pairs_of_a_vector_to_the_left() -> None:
    attention = drawn(8, width=4, num_layers=1, num_heads=1)[0].blocks[0].attention
    found = attention._rotate(torch.tensor([[1.0, 1.0, 0.0, 0.0]] * 2)[None, None])[0, 0]
    # the first pair by 1 radian per frame, the second by 1 / 10000 ** (1 / 2)
    assert found[0].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert found[1].tolist() == pytest.approx([math.cos(1), math.cos(0.01), math.sin(1), math.sin(0.01)])
