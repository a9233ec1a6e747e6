"""Draw the curves of a training in one picture.

``python -m stages.callbacks.training_picture`` draws artifacts/logs/training.png again, from
artifacts/train/history.csv.
"""

import csv
import io
from pathlib import Path
from typing import Any

from stages.program.outputs import write_whole

HISTORY = Path("artifacts/train/history.csv")
PICTURE = Path("artifacts/logs/training.png")
COLOURS = ("#1f6fb2", "#e07b39", "#3a9d6e", "#8a63b5")
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.constrained_layout.h_pad": 0.12,
    "figure.constrained_layout.w_pad": 0.12,
}
LOSS, GRADIENT_NORM = "Loss", "Gradient norm, before clipping"
LOGARITHMIC = {LOSS, GRADIENT_NORM}

Rows = list[dict[str, str]]


def draw(history: str) -> bytes:
    """Draw a history.csv's text as PNG: losses, error rates, learning rate, gradient norm."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows: Rows = list(csv.DictReader(io.StringIO(history)))
    names = list(rows[0]) if rows else []
    rates = [name for name in names if name.endswith(("er", "_acc"))]
    panels = {
        LOSS: [name for name in names if name.endswith("_loss")],
        "Error rates" if not any(name.endswith("_acc") for name in rates) else "Accuracies": rates,
        "Learning rate": ["lr"],
        GRADIENT_NORM: ["grad_norm"],
    }
    with rc_context(STYLE):
        figure = Figure(figsize=(11, 6.6), layout="constrained")
        for axes, (title, shown) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
            _panel(axes, title, rows, shown)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=100)
    return stream.getvalue()


def _panel(axes: Any, title: str, rows: Rows, names: list[str]) -> None:
    from matplotlib.ticker import LogFormatter

    axis = "epoch" if len({row["epoch"] for row in rows}) == len(rows) else "step"
    lowest = float("inf")
    for name, colour in zip(names, COLOURS * len(names), strict=False):
        points = [(int(row[axis]) + (axis == "epoch"), float(row[name])) for row in rows if row.get(name)]
        if not points:
            continue
        best = min(points, key=lambda point: point[1])
        lowest = min(lowest, best[1])
        is_rate = name.endswith("er")
        label = f"{name}, best {best[1]:.4f} in {axis} {best[0]}" if is_rate else name
        style = {"color": colour, "marker": "o", "clip_on": False}
        axes.plot(*zip(*points, strict=True), label=label, markersize=3.5 * (len(points) < 60), **style)
        if is_rate:
            axes.plot(*best, markersize=8, markerfacecolor="white", **style)
    axes.set(title=title, xlabel=axis)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if title in LOGARITHMIC and 0 < lowest < float("inf"):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(LogFormatter())
    else:
        axes.set_ylim(bottom=0)
    if len(names) > 1:
        axes.legend()


if __name__ == "__main__":
    write_whole(PICTURE, draw(HISTORY.read_text()))
