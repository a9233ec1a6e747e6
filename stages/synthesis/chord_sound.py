"""Chords by additive synthesis: decaying partials, vibrato, strum, room, noise. N samples, K partials."""

from typing import Any

import numpy as np

from stages.synthesis.chord_timbre import Timbre

SAMPLE_RATE = 44100
BLOCK = 256  # samples; the exponential of a partial is an outer product of blocks and samples in a block
FULL_SCALE = 32767

Samples = np.ndarray[Any, np.dtype[np.float32]]
Complex = np.ndarray[Any, np.dtype[np.complex128]]


def play(
    hertz: list[float], timbres: list[Timbre], seconds: float, generator: np.random.Generator
) -> Samples:
    """A recording (N,) of notes, the bass first, each on its own instrument."""
    num_samples = round(seconds * SAMPLE_RATE)
    dry = np.zeros(num_samples, np.float32)
    begin, strum = 0.12 * generator.random(), 0.05 * generator.random() * (generator.random() < 0.5)
    bass_level = generator.normal(1.0, 3.0)  # dB
    for number, (pitch, timbre) in enumerate(zip(hertz, timbres, strict=True)):
        start = round((begin + strum * number / len(hertz)) * SAMPLE_RATE)
        level = generator.normal(0, 2.0) + bass_level * (number == 0)
        dry[start:] += 10 ** (level / 20) * _note(pitch, timbre, num_samples - start, generator)
    dry += _breath(timbres[-1], num_samples, generator) * np.float32(len(hertz) ** 0.5)
    if generator.random() < 0.4:  # the chord ends before the recording does
        end = int(num_samples * generator.uniform(0.6, 0.95))
        dry[end:] *= np.exp(-np.arange(num_samples - end) / (SAMPLE_RATE * generator.uniform(0.02, 0.2)))
    return _room(dry, generator)


def _note(hertz: float, timbre: Timbre, num_samples: int, generator: np.random.Generator) -> Samples:
    """One note (N,) at a loudness of 1."""
    number, frequency, level = timbre.partials(hertz, generator)
    decay = timbre["decay"] * (hertz / 261.6) ** 0.5 * (1 + timbre["decay_growth"] * (number - 1))
    attack = timbre["attack"] * (1 + timbre["lag"] * (number - 1))
    copies = [_one_copy(frequency, timbre, generator) for _ in range(round(timbre["copies"]))]
    frequency = np.concatenate(copies)
    decay, attack, level = (np.tile(values, len(copies)) for values in (decay, attack, level))
    level = level / np.sqrt((level**2).sum())
    if timbre["bell"]:
        ratios = generator.uniform(3.5, 14, 3)
        frequency = np.append(frequency, np.minimum(ratios * hertz, 9000))
        level = np.append(level, timbre["bell"] * generator.random(3))
        decay = np.append(decay, generator.uniform(6, 30, 3))
        attack = np.append(attack, [0.001] * 3)
    amplitude = level * np.exp(2j * np.pi * generator.random(len(level)))
    rate = (2j * np.pi * frequency - decay) / SAMPLE_RATE
    sound = _exponentials(amplitude, rate, num_samples)
    rising = min(num_samples, int(8 * attack.max() * SAMPLE_RATE) + 1)
    sound[:rising] -= _exponentials(amplitude, rate - 1 / (attack * SAMPLE_RATE), rising)
    if timbre["vibrato"]:
        sound = _vibrato(sound, timbre["vibrato"], generator)
    return sound


def _breath(timbre: Timbre, num_samples: int, generator: np.random.Generator) -> Samples:
    """Noise (N,) of breath, bow or hammer, which decays with the sound."""
    envelope = np.exp(-np.arange(num_samples, dtype=np.float32) * np.float32(timbre["decay"] / SAMPLE_RATE))
    return generator.standard_normal(num_samples, dtype=np.float32) * np.float32(timbre["noise"]) * envelope


def _one_copy(frequency: Any, timbre: Timbre, generator: np.random.Generator) -> Any:
    cents = generator.normal(0, timbre["scatter"]) if timbre["copies"] >= 1.5 else 0.0
    return frequency * 2 ** (cents / 1200)


def _exponentials(amplitude: Complex, rate: Complex, num_samples: int) -> Samples:
    """The real part of the sum over k of amplitude[k] * exp(rate[k] * n): (K,), (K,) to (N,)."""
    num_blocks = -(-num_samples // BLOCK)
    blocks = np.exp(np.outer(np.arange(num_blocks) * BLOCK, rate)) * amplitude  # (N / BLOCK, K)
    within = np.exp(np.outer(rate, np.arange(BLOCK)))  # (K, BLOCK)
    left = np.concatenate([blocks.real, -blocks.imag], axis=1).astype(np.float32)
    right = np.concatenate([within.real, within.imag]).astype(np.float32)
    summed: Samples = (left @ right).reshape(-1)[:num_samples]
    return summed


def _vibrato(sound: Samples, cents: float, generator: np.random.Generator) -> Samples:
    """Vary the speed, so that the pitch rises and falls by ``cents``."""
    angular = 2 * np.pi * generator.uniform(4.5, 7.0)
    time = np.arange(len(sound)) / SAMPLE_RATE
    depth = (2 ** (cents / 1200) - 1) / angular * np.minimum(1, time / generator.uniform(0.05, 0.4))
    moved = (time + depth * np.sin(angular * time + generator.uniform(0, 6.28))) * SAMPLE_RATE
    return np.interp(moved, np.arange(len(sound)), sound).astype(np.float32)


def _room(dry: Samples, generator: np.random.Generator) -> Samples:
    """Add reverberation, a microphone's tilt and coloured noise; scale to a drawn peak on 16 bits."""
    size = 1 << (2 * len(dry) - 1).bit_length() - 1
    spectrum = np.fft.rfft(dry, size)
    if generator.random() < 0.6:
        seconds = generator.uniform(0.2, 1.8)  # until the tail is 60 dB lower
        time = np.arange(size - len(dry)) / SAMPLE_RATE
        tail = generator.standard_normal(len(time)) * np.exp(-6.9 * time / seconds)
        tail *= generator.uniform(0.02, 0.35) / np.sqrt((tail**2).sum())
        spectrum *= 1 + np.fft.rfft(tail, size)
    octaves = np.log2(np.fft.rfftfreq(size, 1 / SAMPLE_RATE).clip(min=20) / 1000)
    spectrum *= 10 ** (generator.uniform(-2, 2) * octaves / 20)
    wet = np.fft.irfft(spectrum, size)[: len(dry)]
    hiss = np.fft.rfft(generator.standard_normal(size)) * 10 ** (-generator.uniform(0, 6) * octaves / 20)
    noise = np.fft.irfft(hiss, size)[: len(dry)]
    noise *= wet.std() / noise.std() * 10 ** (generator.uniform(-70, -25) / 20)
    mixed = wet + noise
    peak = FULL_SCALE * 10 ** (generator.uniform(-24, -1) / 20)
    return (mixed * (peak / np.abs(mixed).max())).astype(np.float32)
