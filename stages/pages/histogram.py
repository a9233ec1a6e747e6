"""Histograms: the same bins for all splits, drawn as SVG, one above the other."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

NUM_BINS = 36
WIDTH, ROW_HEIGHT, TOP, BOTTOM, LEFT = 350, 74, 4, 38, 2
MIN_TICK_DISTANCE = 30  # pixels
NICE = [a * 10.0**b for b in range(-6, 7) for a in (1, 2, 5)]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Histogram:
    """``counts`` of values between neighbouring ``edges``, and ``medians``, of each split (that has any)."""

    title: str
    unit: str
    edges: Array
    counts: dict[str, Array]
    medians: dict[str, float]
    is_logarithmic: bool = True

    def svg(self) -> str:
        height = TOP + ROW_HEIGHT * len(self.counts) + BOTTOM
        rows = [self._row(number, split) for number, split in enumerate(self.counts)]
        label = escape(f"{self.title}, {self.unit}")
        return (
            f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(rows)}'
            f"{self._axis(height - BOTTOM)}</svg>"
        )

    def _row(self, number: int, split: str) -> str:
        counts = self.counts[split]
        bottom = TOP + ROW_HEIGHT * (number + 1)
        usable, most = ROW_HEIGHT - 20, max(int(counts.max(initial=0)), 1)
        step = (WIDTH - 2 * LEFT) / len(counts)
        bars = "".join(
            f'<rect x="{LEFT + step * place + 0.5:.1f}" y="{bottom - max(usable * count / most, 1.5):.1f}"'
            f' width="{step - 1:.1f}" height="{max(usable * count / most, 1.5):.1f}" rx="1.5"><title>'
            f"{self._number(self.edges[place])} to {self._number(self.edges[place + 1])} {escape(self.unit)}:"
            f" {count:,}</title></rect>"
            for place, count in enumerate(counts.tolist())
            if count
        )
        said, marker = "none", ""
        if split in self.medians:
            x = self._x(self.medians[split])
            said = f"median {self._number(self.medians[split])}"
            marker = f'<line class="median" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom - usable}" y2="{bottom}"/>'
        return (
            f'<g class="{escape(split)}">{bars}{marker}<line class="base" x1="{LEFT}" x2="{WIDTH - LEFT}"'
            f' y1="{bottom}" y2="{bottom}"/><text x="{LEFT}" y="{bottom - usable - 4}" class="name">'
            f'{escape(split)}</text><text x="{WIDTH - LEFT}" y="{bottom - usable - 4}" class="said">{said}'
            f"</text></g>"
        )

    def _axis(self, bottom: int) -> str:
        drawn, last = [], -np.inf
        for value in self._ticks():
            x = self._x(value)
            if x - last < MIN_TICK_DISTANCE:
                continue
            last = x
            drawn.append(
                f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
                f'<text class="value" x="{x:.1f}" y="{bottom + 17}">{value:g}</text>'
            )
        return (
            "".join(drawn)
            + f'<text class="unit" x="{WIDTH / 2}" y="{bottom + 34}">{escape(self.unit)}</text>'
        )

    def _ticks(self) -> list[float]:
        low, high = float(self.edges[0]), float(self.edges[-1])
        nice = [value for value in NICE if low <= value <= high]
        if self.is_logarithmic and len(nice) > 1:
            return nice
        step = next(value for value in NICE if (high - low) / value <= 10)
        return [float(n * step) for n in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]

    def _x(self, value: float) -> float:
        low, high = self._scaled(self.edges[0]), self._scaled(self.edges[-1])
        return float(LEFT + (WIDTH - 2 * LEFT) * (self._scaled(value) - low) / (high - low))

    def _scaled(self, value: float) -> float:
        return float(np.log(value)) if self.is_logarithmic else float(value)

    @staticmethod
    def _number(value: float) -> str:
        return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"


def histogram(title: str, unit: str, values: dict[str, Array], is_logarithmic: bool = True) -> Histogram:
    """Of the values of each split; positive ones, if the axis is logarithmic."""
    everything = np.concatenate([*values.values(), np.zeros(0)])
    low, high = (everything.min(), everything.max()) if len(everything) else (1.0, 2.0)
    if is_logarithmic:
        low, high = (low, high) if high > low * 1.1 else (low / 1.5, high * 1.5)
        edges = np.geomspace(low, high, NUM_BINS + 1)
    else:
        low, high = (low, high) if high > low + 1 else (low - 5, high + 5)
        edges = np.linspace(low, high, NUM_BINS + 1)
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)  # rounding must not lose the extremes
    counts = {split: np.histogram(found, edges)[0] for split, found in values.items()}
    medians = {split: float(np.median(found)) for split, found in values.items() if len(found)}
    return Histogram(title, unit, edges, counts, medians, is_logarithmic)
