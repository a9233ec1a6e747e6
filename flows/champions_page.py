"""The page of champions: as one HTML file, and as Markdown for the Prefect UI and a terminal."""

from pathlib import Path

from flows.record import Record
from flows.record_page import table as markdown_table
from flows.succession import Reign, Succession
from stages.pages.document import document, tiles
from stages.pages.markup import Html, section, shown, table

OWN_STYLE = (
    "img { width: 100%; height: auto; background: #fff; border-radius: 8px; }"
    " td:nth-child(-n+2) { white-space: nowrap; }"
    " #champions td:nth-child(n+6), #others td:nth-child(3) { min-width: 32ch; }"
)
OTHERS = ("When", "What", "Why", "Commit")
MAX_OTHERS = 50
TREND = (
    "Bars are 95 % intervals; crosses are refused candidates. A dotted line stands where the test set became"
    " another one: do not compare rates across it."
)
RECORDS = "retrain"  # beside the page
NO_CHAMPION = "No model was promoted yet."


def html(found: Succession, trend: str) -> str:
    """The whole file; ``trend`` is a picture as a data: URI."""
    headers, rows = _headers(found), [_cells(reign, found.metric) for reign in found.reigns[::-1]]
    lists = [
        [row[0], _link(row[1], reign.record), *row[2:5], _list(reign.changes), row[6]]
        for row, reign in zip(rows, found.reigns[::-1], strict=True)
    ]
    picture = Html(f'<img alt="{found.metric} of one champion after the other" src="{trend}">')
    refused = []
    for record in found.others[::-1][:MAX_OTHERS]:
        when, *rest = _other(record)
        refused.append([_link(when, record), *rest])
    others = table(OTHERS, refused)
    parts = [
        _tiles(found),
        section("trend", "Trend", TREND, picture),
        section(
            "champions",
            "Champions",
            "The newest first; changes are from the champion before.",
            table(headers, lists, (2, 3, 4)) if rows else f"<p class=none>{NO_CHAMPION}</p>",
        ),
        section(
            "others",
            "Not promoted",
            "Candidates that were refused, and retrainings that failed; the newest first.",
            others if found.others else "<p class=none>None.</p>",
        ),
    ]
    footer = (
        "<footer>Written by every retraining, and by python -m flows.champions. Each champion is a git tag:"
        " git checkout TAG &amp;&amp; dvc checkout. All records lie in artifacts/logs/retrain.</footer>"
    )
    return document("Champions", "".join([*parts, footer]), style=OWN_STYLE, has_pictures=True)


def markdown(found: Succession) -> str:
    """The same as tables."""
    rows = [_cells(reign, found.metric) for reign in found.reigns[::-1]]
    parts = ["# Champions", markdown_table(_headers(found), rows) if rows else NO_CHAMPION]
    if found.others:
        others = [_other(record) for record in found.others[::-1][:MAX_OTHERS]]
        parts += ["## Not promoted", markdown_table(OTHERS, others)]
    return "\n\n".join(parts) + "\n"


def _headers(found: Succession) -> tuple[str, ...]:
    return ("Champion", "Since", found.metric, "95 % interval", "Hours", "What changed", "Why")


def _cells(reign: Reign, metric: str) -> list[str]:
    rate, ends = reign.metrics.get(metric), reign.interval(metric)
    again = f" = {reign.champion.model}" if reign.champion.is_rollback else ""
    return [
        f"{reign.champion.tag}{again}",
        f"{reign.champion.when:%Y-%m-%d %H:%M}",
        "-" if rate is None else f"{rate:.4f}",
        f"{ends[0]:.4f} to {ends[1]:.4f}" if ends else "-",
        "-" if reign.hours is None else f"{reign.hours:.2f}",
        "; ".join(reign.changes) or "-",
        reign.why,
    ]


def _link(when: str, record: Record | None) -> Html:
    """To the record, if there is one that was kept with its files."""
    if record is None:
        return shown(when)
    return Html(f'<a href="{RECORDS}/{record.place(Path()).name}.md">{shown(when)}</a>')


def _list(changes: list[str]) -> Html:
    return Html("<br>".join(shown(change) for change in changes) or "-")


def _other(record: Record) -> tuple[str, str, str, str]:
    why = " ".join(record.said.split())
    return f"{record.when:%Y-%m-%d %H:%M}", record.name, why, (record.commit or "-")[:10]


def _tiles(found: Succession) -> Html:
    if not found.reigns:
        return Html("")
    now = found.reigns[-1]
    rolled_back = sum(reign.champion.is_rollback for reign in found.reigns)
    facts = [
        (now.champion.tag.rpartition("/")[2], "is the champion"),
        (_cells(now, found.metric)[2], found.metric),
        (_cells(now, found.metric)[4], "hours of training data"),
        (str(len(found.reigns) - rolled_back), "promotions"), (str(rolled_back), "rollbacks"),
        (str(sum(record.name == "Refused" for record in found.others)), "refused"),
    ]  # fmt: skip
    return tiles(facts)
