"""A page as a whole: one file that asks nobody for anything."""

from collections.abc import Iterable

from stages.pages.markup import Html, shown
from stages.pages.style import STYLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # should anything slip through, it does nothing


def document(title: str, body: str, *, style: str = "", has_pictures: bool = False) -> str:
    """``body`` is markup below the title; ``style`` stands beside that of all pages; pictures lie within."""
    policy = f"{POLICY}; img-src data:" if has_pictures else POLICY
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{STYLE}{style}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>\n"
    )


def tiles(facts: Iterable[tuple[object, str]]) -> Html:
    """What stands out, each a value with its name."""
    each = (f"<div class=tile><b>{shown(value)}</b><span>{name}</span></div>" for value, name in facts)
    return Html(f"<div class=tiles>{''.join(each)}</div>")
