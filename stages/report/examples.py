"""Some of the utterances of which something is said."""

from html import escape

from stages.pages.markup import Html, pill, table
from stages.report.listing import Listing


def examples(title: str, found: Listing, detail: str = "") -> Html:
    """A listing with its total; ``detail`` is the heading of the column that says why."""
    if not found.total:
        return Html(f"<h3>{escape(title)}</h3><p class=none>None.</p>")
    some = "" if found.total == len(found.examples) else f", the first {len(found.examples)}"
    note = f" <span class=note>{escape(found.note)}</span>" if found.note else ""
    headers = ["Utterance", "Split", *([detail] if detail else []), "Transcript"]
    rows = [
        (row.id, Html(pill(row.split)), *([row.detail] if detail else []), row.text) for row in found.examples
    ]
    return Html(
        f"<h3>{escape(title)} <span class=count>{found.total:,}{some}</span>{note}</h3>{table(headers, rows)}"
    )
