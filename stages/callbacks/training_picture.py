"""The curves of a training in one picture: python -m stages.callbacks.training_picture

draws artifacts/logs/training.png again, from artifacts/train/history.csv.
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
}

Rows = list[dict[str, str]]


def draw(history: str) -> bytes:
    """The text of a history.csv as a PNG: losses, error rates, learning rate, gradient norm."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows: Rows = list(csv.DictReader(io.StringIO(history)))
    names = list(rows[0]) if rows else []
    rates = [name for name in names if name.endswith(("er", "_acc"))]
    panels = {
        "Loss": [name for name in names if name.endswith("_loss")],
        "Error rates" if not any(name.endswith("_acc") for name in rates) else "Accuracies": rates,
        "Learning rate": ["lr"],
        "Gradient norm, before clipping": ["grad_norm"],
    }
    with rc_context(STYLE):
        figure = Figure(figsize=(11, 6.6), layout="constrained")
        for axes, (title, shown) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
            _panel(axes, title, rows, shown)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=100)
    return stream.getvalue()


def _panel(axes: Any, title: str, rows: Rows, names: list[str]) -> None:
    axis = "epoch" if len({row["epoch"] for row in rows}) == len(rows) else "step"
    for name, colour in zip(names, COLOURS * len(names), strict=False):
        points = [(int(row[axis]) + (axis == "epoch"), float(row[name])) for row in rows if row.get(name)]
        if not points:
            continue
        x, y = zip(*points, strict=True)
        axes.plot(x, y, color=colour, label=name, marker="o", markersize=3.5 if len(x) < 60 else 0)
        if name.endswith("er"):
            _mark_best(axes, *min(points, key=lambda point: point[1]), colour)
    axes.set(title=title, xlabel=axis)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylim(bottom=0)
    if len(names) > 1:
        axes.legend()


def _mark_best(axes: Any, x: float, y: float, colour: str) -> None:
    axes.plot([x], [y], marker="o", markersize=8, markerfacecolor="white", markeredgecolor=colour)
    axes.annotate(f"{y:.3f}", (x, y), (0, 8), textcoords="offset points", ha="center", color=colour)


if __name__ == "__main__":
    write_whole(PICTURE, draw(HISTORY.read_text()))
