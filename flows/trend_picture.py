"""A plot of the error rates of the champions and the refused candidates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.succession import Ends, Succession

MARKS = {"promoted": ("o", "#3566c9"), "rolled back": ("s", "#c2641c"), "refused": ("x", "#8a97a8")}
MAX_LABELS = 16


@dataclass(frozen=True)
class Event:
    """A promotion, rollback or refusal, and the rate with its interval."""

    when: datetime
    kind: str
    name: str
    rate: float
    ends: Ends | None
    has_other_test: bool = False  # than the previous champion


def draw(found: Succession) -> Any:
    """A figure with the events in order, at equal distances."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes: Any = figure.subplots()
    happened = events(found)
    for reigns in _comparable(happened):
        axes.step(*zip(*reigns, strict=True), where="post", color="#3566c9", alpha=0.5, linewidth=1.5)
    for place, event in enumerate(happened):
        if event.has_other_test:
            axes.axvline(place - 0.5, color="#8a97a8", linestyle=":")
    for kind in MARKS:
        _mark(axes, {place: event for place, event in enumerate(happened) if event.kind == kind}, kind)
    step = max(-(-len(happened) // MAX_LABELS), 1)
    labels = [f"{event.name}\n{event.when:%m-%d %H:%M}" for event in happened[::step]]
    axes.set_xticks(range(0, len(happened), step), labels, fontsize=8)
    axes.margins(x=0.05)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(found.metric)
    axes.grid(axis="y", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if happened:
        axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def events(found: Succession) -> list[Event]:
    """The events, oldest first."""
    reigns = [
        Event(
            reign.champion.when,
            "rolled back" if reign.champion.is_rollback else "promoted",
            reign.champion.tag.rpartition("/")[2],
            reign.metrics[found.metric],
            reign.interval(found.metric),
            reign.has_other_test,
        )
        for reign in found.reigns
        if found.metric in reign.metrics
    ]
    refused = [
        Event(record.when, "refused", "", record.comparison["candidate"], None)
        for record in found.others
        if record.comparison.get("metric") == found.metric
    ]
    return sorted([*reigns, *refused], key=lambda event: event.when)


def _comparable(happened: list[Event]) -> list[list[tuple[int, float]]]:
    """The places and rates of champions, with a list for each test set in turn."""
    found: list[list[tuple[int, float]]] = []
    for place, event in enumerate(happened):
        if event.kind != "refused":
            if event.has_other_test or not found:
                found.append([])
            found[-1].append((place, event.rate))
    return found


def _mark(axes: Any, those: dict[int, Event], kind: str) -> None:
    marker, color = MARKS[kind]
    if those:
        rates = [event.rate for event in those.values()]
        axes.plot([*those], rates, marker, color=color, label=kind, clip_on=False)
    for place, event in those.items():
        if event.ends:
            axes.vlines(place, *event.ends, color=color, alpha=0.5, linewidth=3)
