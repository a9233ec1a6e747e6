"""Plots of old and new training data side by side, and of their distances at the retrainings so far."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from flows.drift import Bars, Drift
from flows.incoming import Floats
from flows.record import Record

OLD, NEW = "#8a97a8", "#c2641c"
NUM_BINS = 30
MAX_NAME = 12


def draw(drift: Drift, so_far: list[Record]) -> Any:
    """A figure of five panels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 9.5), layout="constrained")
    panels: Any = figure.subplot_mosaic(
        [["duration", "rate"], ["characters"] * 2, ["speakers"] * 2, ["distances"] * 2]
    )
    _histograms(panels["duration"], *drift.durations(), "duration, s")
    _histograms(panels["rate"], *drift.rates(), "characters per second")
    _bars(panels["characters"], drift.characters())
    _bars(panels["speakers"], drift.speakers())
    _distances(panels["distances"], so_far)
    figure.suptitle(f"{len(drift.new):,} new training utterances and {len(drift.old):,} old ones")
    return figure


def write(drift: Drift, so_far: list[Record], path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about glyphs that are missing in the font
        draw(drift, so_far).savefig(path, dpi=100)


def _histograms(axes: Any, old: Floats, new: Floats, unit: str) -> None:
    both = np.concatenate([old, new])
    edges = np.linspace(both.min(), max(both.max(), both.min() + 1e-3), NUM_BINS + 1)
    for values, color, name in ((old, OLD, "old"), (new, NEW, "new")):
        counts = np.histogram(values, edges)[0] / max(len(values), 1)
        median = f"{name}, median {np.median(values):.2f}" if len(values) else f"{name}: none"
        axes.stairs(
            counts, edges, color=color, fill=name == "old", alpha=0.6 if name == "old" else 1, label=median
        )
    axes.set_xlabel(unit)
    axes.set_ylabel("fraction of utterances")
    axes.legend(frameon=False)


def _bars(axes: Any, bars: Bars) -> None:
    places = np.arange(len(bars.old))
    axes.bar(places - 0.2, [*bars.old.values()], 0.4, color=OLD, label="old")
    axes.bar(places + 0.2, [*bars.new.values()], 0.4, color=NEW, label="new")
    names = ["␣" if name == " " else name[-MAX_NAME:] for name in bars.old]
    # a dollar sign would start a formula
    axes.set_xticks(
        places, names, rotation=45 if max(map(len, names), default=0) > 2 else 0, parse_math=False
    )
    axes.set_ylabel("fraction")
    axes.set_title(bars.title, loc="left", fontsize=10)
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))


def _distances(axes: Any, so_far: list[Record]) -> None:
    told = [record for record in so_far if record.distances]
    for name in dict.fromkeys(name for record in told for name in record.distances):
        points = [
            (place, record.distances[name]) for place, record in enumerate(told) if name in record.distances
        ]
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.set_xticks(range(len(told)), [f"{record.when:%m-%d %H:%M}\n{record.name}" for record in told])
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("distance")
    axes.set_title("distances between new and old data, by retraining", loc="left", fontsize=10)
    if told:
        axes.legend(frameon=False)
