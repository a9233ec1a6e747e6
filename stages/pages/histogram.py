"""Histograms with the same bins for all splits, one below the other; histogram.html draws them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

NUM_BINS = 36
WIDTH, ROW_HEIGHT, TOP, BOTTOM, LEFT = 350, 74, 4, 38, 2
BAR_HEIGHT, MIN_BAR_HEIGHT = ROW_HEIGHT - 20, 1.5
MIN_TICK_DISTANCE = 30  # pixels
NICE = [a * 10.0**b for b in range(-6, 7) for a in (1, 2, 5)]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Bar:
    """Sizes are in pixels; ``label`` has the bin and its count."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Row:
    """A split, drawn between ``top`` and ``bottom``; ``median`` is its x position, if it has values."""

    split: str
    bars: list[Bar]
    top: int
    bottom: int
    median: float | None
    label: str


@dataclass(frozen=True)
class Tick:
    x: float
    value: str


@dataclass(frozen=True)
class Histogram:
    """For each split, ``counts`` of values between ``edges``; ``medians`` only of splits with values."""

    title: str
    unit: str
    edges: Array
    counts: dict[str, Array]
    medians: dict[str, float]
    is_logarithmic: bool = True
    width = WIDTH
    left = LEFT
    right = WIDTH - LEFT

    @property
    def base(self) -> int:
        """The y position of the axis."""
        return TOP + ROW_HEIGHT * len(self.counts)

    @property
    def height(self) -> int:
        return self.base + BOTTOM

    def rows(self) -> Iterator[Row]:
        for number, split in enumerate(self.counts, 1):
            bottom, median = TOP + ROW_HEIGHT * number, self.medians.get(split)
            at = None if median is None else self._x(median)
            label = "none" if median is None else f"median {_short(median)}"
            yield Row(split, [*self._bars(split, bottom)], bottom - BAR_HEIGHT, bottom, at, label)

    def _bars(self, split: str, bottom: int) -> Iterator[Bar]:
        counts: list[int] = self.counts[split].tolist()
        step = (self.right - self.left) / len(counts)
        for place, count in enumerate(counts):
            if count:
                height = max(BAR_HEIGHT * count / max(counts), MIN_BAR_HEIGHT)
                x, width = round(self.left + step * place + 0.5, 1), round(step - 1, 1)
                low, high = (_short(edge) for edge in self.edges[place : place + 2])
                label = f"{low} to {high} {self.unit}: {count:,}"
                yield Bar(x, round(bottom - height, 1), width, round(height, 1), label)

    def ticks(self) -> Iterator[Tick]:
        last = -np.inf
        for value in self._nice():
            if (x := self._x(value)) - last >= MIN_TICK_DISTANCE:
                last = x
                yield Tick(x, f"{value:g}")

    def _nice(self) -> list[float]:
        low, high = float(self.edges[0]), float(self.edges[-1])
        nice = [value for value in NICE if low <= value <= high]
        if self.is_logarithmic and len(nice) > 1:
            return nice
        step = next(value for value in NICE if (high - low) / value <= 10)
        return [float(n * step) for n in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]

    def _x(self, value: float) -> float:
        low, high, at = (self._scaled(each) for each in (self.edges[0], self.edges[-1], value))
        return round(self.left + (self.right - self.left) * (at - low) / (high - low), 1)

    def _scaled(self, value: float) -> float:
        return float(np.log(value)) if self.is_logarithmic else float(value)


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"


def histogram(title: str, unit: str, values: dict[str, Array], is_logarithmic: bool = True) -> Histogram:
    """Make a histogram of each split's values, which must be positive if the axis is logarithmic."""
    everything = np.concatenate([*values.values(), np.zeros(0)])
    low, high = (everything.min(), everything.max()) if len(everything) else (1.0, 2.0)
    if is_logarithmic:
        low, high = (low, high) if high > low * 1.1 else (low / 1.5, high * 1.5)
        edges = np.geomspace(low, high, NUM_BINS + 1)
    else:
        low, high = (low, high) if high > low + 1 else (low - 5, high + 5)
        edges = np.linspace(low, high, NUM_BINS + 1)
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)  # rounding must not exclude the extremes
    counts = {split: np.histogram(found, edges)[0] for split, found in values.items()}
    medians = {split: float(np.median(found)) for split, found in values.items() if len(found)}
    return Histogram(title, unit, edges, counts, medians, is_logarithmic)
