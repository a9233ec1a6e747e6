"""Instruments as ranges of synthesis parameters; every split has its own families."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from stages.schema.families import Split

Array = np.ndarray[Any, np.dtype[np.float64]]
Range = tuple[float, float]


@dataclass(frozen=True)
class Family:
    """Ranges from which an instrument is drawn: uniformly, or log-uniformly if the lower end is above 0."""

    slope: Range  # of the spectrum: partial k has the amplitude k^-slope
    even: Range = (1, 1)  # amplitude of even partials, relative to odd ones
    fundamental: Range = (1, 1)  # its amplitude, relative to the slope
    comb: Range = (0, 0)  # where the string is struck or plucked, as a fraction of its length; 0: nowhere
    formants: Range = (0, 0)  # number of resonances of the body
    cutoff_hz: Range = (3000, 9000)  # above which the spectrum falls by 24 dB per octave
    drawbars: Range = (0, 0)  # 1: only partials 1, 2, 3, 4, 6 and 8, each with its own drawbar
    bell: Range = (0, 0)  # amplitude of inharmonic partials that decay fast
    stretch: Range = (0, 0)  # stiffness of the string: partial k is sqrt(1 + stretch * k^2) higher
    decay: Range = (0, 0)  # per second, of a note at middle C
    decay_growth: Range = (0, 0)  # increase of the decay with every partial
    attack: Range = (0.002, 0.006)  # seconds
    lag: Range = (0, 0)  # increase of the attack with every partial, relative to the first
    vibrato: Range = (0, 0)  # cents
    copies: Range = (1, 1)  # strings or players per note
    scatter: Range = (0, 0)  # cents, between copies
    noise: Range = (0.0003, 0.003)  # breath, bow or hammer, relative to the note

    def draw(self, generator: np.random.Generator) -> "Timbre":
        values = {}
        for field in fields(self):
            low, high = getattr(self, field.name)
            if low > 0:
                values[field.name] = low * (high / low) ** generator.random()
            else:
                values[field.name] = low + (high - low) * generator.random()
        number = round(values.pop("formants"))
        resonances = np.stack([
            300.0 * 12.0 ** generator.random(number),  # Hz, to 3600
            1.0 + 6.0 * generator.random(number),  # amplitude added at the centre
            0.12 + 0.3 * generator.random(number),  # width in octaves
        ])  # fmt: skip
        jitter = 10 ** (generator.normal(0, 2.5, MAX_PARTIALS) / 20)
        return Timbre(values, resonances, jitter)


MAX_PARTIALS = 40
HIGHEST_HZ = 10_000.0
DRAWBARS = (1, 2, 3, 4, 6, 8)


@dataclass(frozen=True)
class Timbre:
    """One instrument: a value for each range of its family, resonances (3, R), levels of its partials."""

    values: dict[str, float]
    resonances: Array
    jitter: Array

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def partials(self, hertz: float, generator: np.random.Generator) -> tuple[Array, Array, Array]:
        """Numbers, frequencies and amplitudes of the partials of a note: each (K,)."""
        number = np.arange(1, MAX_PARTIALS + 1, dtype=np.float64)
        frequency = number * hertz * np.sqrt(1 + self["stretch"] * number**2)
        number, frequency = number[frequency < HIGHEST_HZ], frequency[frequency < HIGHEST_HZ]
        level = number ** -self["slope"] * self.jitter[: len(number)]
        level *= np.where(number % 2 == 0, self["even"], 1.0)
        level[0] *= self["fundamental"]
        if self["comb"]:
            level *= np.abs(np.sin(np.pi * number * self["comb"])) + 0.02
        if self["drawbars"]:
            level = np.where(np.isin(number, DRAWBARS), self.jitter[: len(number)] ** 2, 0.0)
        centre, gain, width = self.resonances[:, :, None]
        level *= 1 + (gain * np.exp(-0.5 * (np.log2(frequency / centre) / width) ** 2)).sum(0)
        level /= 1 + (frequency / self["cutoff_hz"]) ** 4
        level *= 10 ** (generator.normal(0, 1.5, len(number)) / 20)  # no two notes are equal
        return number, frequency, level


FAMILIES: dict[Split, dict[str, Family]] = {
    "train": {
        "piano": Family(
            slope=(0.4, 1.9), comb=(0.08, 0.15), stretch=(5e-5, 8e-4), decay=(0.4, 3),
            decay_growth=(0.05, 0.4), attack=(0.001, 0.006), copies=(1, 3), scatter=(0.3, 2), formants=(0, 3),
        ),
        "guitar": Family(
            slope=(0.2, 1.5), comb=(0.05, 0.35), stretch=(1e-5, 2e-4), decay=(0.8, 5),
            decay_growth=(0.1, 0.6), attack=(0.001, 0.004), formants=(1, 4),
        ),
        "organ": Family(slope=(1, 1), drawbars=(1, 1), attack=(0.005, 0.05), noise=(0.001, 0.01)),
        "pipes": Family(slope=(0.3, 1.8), attack=(0.02, 0.08), noise=(0.002, 0.02), even=(0.3, 1)),
        "strings": Family(
            slope=(0.4, 1.4), formants=(2, 6), attack=(0.03, 0.15), vibrato=(0, 22), copies=(1, 4),
            scatter=(2, 12), noise=(0.002, 0.03),
        ),
        "brass": Family(
            slope=(0.3, 1.4), fundamental=(0.3, 1), formants=(1, 3), attack=(0.01, 0.05), lag=(0.05, 0.6),
            cutoff_hz=(1200, 6000), vibrato=(0, 8), copies=(1, 2), scatter=(1, 8), noise=(0.001, 0.01),
        ),
        "electric piano": Family(
            slope=(1.6, 3.5), bell=(0.02, 0.4), decay=(0.5, 3), decay_growth=(0.1, 0.6),
            attack=(0.001, 0.005),
        ),
        "saw": Family(
            slope=(0.4, 1.2), even=(0.4, 1), attack=(0.003, 0.1), copies=(2, 5), scatter=(3, 16),
            cutoff_hz=(1000, 9000),
        ),
        "clarinet": Family(
            slope=(0.4, 1.6), even=(0.03, 0.4), attack=(0.015, 0.06), formants=(0, 2), noise=(0.002, 0.02),
        ),
        "clavinet": Family(
            slope=(0.1, 0.8), comb=(0.03, 0.2), stretch=(1e-5, 2e-4), decay=(1, 6), decay_growth=(0.01, 0.2),
            attack=(0.001, 0.004), formants=(0, 3),
        ),
        "reed organ": Family(
            slope=(0.1, 0.9), even=(0.3, 1), fundamental=(0.2, 1), formants=(1, 4), attack=(0.01, 0.06),
            cutoff_hz=(1500, 9000), copies=(1, 2), scatter=(1, 6), noise=(0.001, 0.02),
        ),
        "mallets": Family(
            slope=(1.8, 3.5), even=(0.2, 1), bell=(0.02, 0.3), decay=(1, 6), decay_growth=(0.3, 1),
            attack=(0.001, 0.004),
        ),
    },
    "validation": {
        "flute": Family(
            slope=(1.5, 2.6), attack=(0.03, 0.08), vibrato=(5, 18), noise=(0.01, 0.05), formants=(0, 1),
        ),
        "harpsichord": Family(
            slope=(0.1, 0.6), comb=(0.05, 0.1), stretch=(1e-5, 1e-4), decay=(1.5, 4),
            decay_growth=(0.02, 0.1), formants=(1, 3), copies=(1, 2), scatter=(0.5, 3),
        ),
        "saxophone": Family(
            slope=(0.5, 1.1), formants=(3, 4), attack=(0.015, 0.04), lag=(0.02, 0.2), vibrato=(4, 14),
            fundamental=(0.5, 1), noise=(0.01, 0.03),
        ),
    },
    "test": {
        "accordion": Family(
            slope=(0.2, 0.7), even=(0.4, 0.8), copies=(2, 3), scatter=(4, 12), attack=(0.02, 0.06),
            cutoff_hz=(2500, 7000), formants=(1, 2),
        ),
        "oboe": Family(
            slope=(0.2, 0.6), fundamental=(0.2, 0.5), formants=(2, 3), attack=(0.015, 0.04), vibrato=(3, 12),
            noise=(0.002, 0.01), cutoff_hz=(2500, 5000),
        ),
        "harp": Family(
            slope=(1.5, 2.3), comb=(0.38, 0.5), stretch=(1e-5, 5e-5), decay=(1.2, 3), decay_growth=(0.3, 0.8),
            formants=(1, 2),
        ),
        "choir": Family(
            slope=(1.1, 1.6), formants=(4, 6), attack=(0.05, 0.12), vibrato=(8, 25), copies=(3, 5),
            scatter=(6, 14), noise=(0.01, 0.04), cutoff_hz=(2500, 4500),
        ),
    },
}  # fmt: skip
