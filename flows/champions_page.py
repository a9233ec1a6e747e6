"""The page of champions: as one HTML file, and as Markdown for the Prefect UI and a terminal."""

from dataclasses import dataclass
from pathlib import Path

from flows.record import Record
from flows.record_page import table
from flows.succession import Reign, Succession
from stages.pages.rendering import render

OTHERS = ("When", "What", "Why", "Commit")
MAX_OTHERS = 50
RECORDS = "retrain"  # in the folder of the page
NO_CHAMPION = "No model was promoted yet."


@dataclass(frozen=True)
class Crowned:
    """A champion on the page; ``link`` leads to the record of its promotion, if it was kept."""

    champion: str
    since: str
    rate: str
    interval: str
    hours: str
    changes: list[str]
    why: str
    link: str


@dataclass(frozen=True)
class Other:
    """A refused candidate or a failed retraining on the page."""

    when: str
    what: str
    why: str
    commit: str
    link: str


def html(found: Succession, trend: str) -> str:
    """Render the file; ``trend`` is a picture as a data: URI."""
    return render(
        "champions.html",
        metric=found.metric,
        trend=trend,
        facts=_facts(found),
        headers=_headers(found),
        champions=_champions(found),
        no_champion=NO_CHAMPION,
        other_headers=OTHERS,
        others=_others(found),
    )


def markdown(found: Succession) -> str:
    """Render the same as Markdown tables."""
    rows = [
        (one.champion, one.since, one.rate, one.interval, one.hours, "; ".join(one.changes) or "-", one.why)
        for one in _champions(found)
    ]
    parts = ["# Champions", table(_headers(found), rows) if rows else NO_CHAMPION]
    if found.others:
        others = [(one.when, one.what, one.why, one.commit) for one in _others(found)]
        parts += ["## Not promoted", table(OTHERS, others)]
    return "\n\n".join(parts) + "\n"


def _headers(found: Succession) -> tuple[str, ...]:
    return ("Champion", "Since", found.metric, "95 % interval", "Hours", "What changed", "Why")


def _champions(found: Succession) -> list[Crowned]:
    """Newest first."""
    return [_crowned(reign, found.metric) for reign in found.reigns[::-1]]


def _crowned(reign: Reign, metric: str) -> Crowned:
    rate, ends = reign.metrics.get(metric), reign.interval(metric)
    again = f" = {reign.champion.model}" if reign.champion.is_rollback else ""
    return Crowned(
        champion=f"{reign.champion.tag}{again}",
        since=f"{reign.champion.when:%Y-%m-%d %H:%M}",
        rate="-" if rate is None else f"{rate:.4f}",
        interval=f"{ends[0]:.4f} to {ends[1]:.4f}" if ends else "-",
        hours="-" if reign.hours is None else f"{reign.hours:.2f}",
        changes=reign.changes,
        why=reign.why,
        link=_link(reign.record) if reign.record else "",
    )


def _others(found: Succession) -> list[Other]:
    """Newest first."""
    return [
        Other(
            when=f"{record.when:%Y-%m-%d %H:%M}",
            what=record.name,
            why=" ".join(record.said.split()),
            commit=(record.commit or "-")[:10],
            link=_link(record),
        )
        for record in found.others[::-1][:MAX_OTHERS]
    ]


def _link(record: Record) -> str:
    return f"{RECORDS}/{record.place(Path()).name}.md"


def _facts(found: Succession) -> list[tuple[str, str]]:
    """Return the key figures; none without a champion."""
    if not found.reigns:
        return []
    now = _crowned(found.reigns[-1], found.metric)
    rolled_back = sum(reign.champion.is_rollback for reign in found.reigns)
    return [
        (found.reigns[-1].champion.tag.rpartition("/")[2], "is the champion"),
        (now.rate, found.metric),
        (now.hours, "hours of training data"),
        (str(len(found.reigns) - rolled_back), "promotions"), (str(rolled_back), "rollbacks"),
        (str(sum(record.name == "Refused" for record in found.others)), "refused"),
    ]  # fmt: skip
