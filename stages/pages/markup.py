"""HTML from values that come out of data: nothing of them is ever markup, and what is invisible is shown."""

import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

MAX_CHARACTERS = 200
# Controls, formats (which turn the direction of writing), halves of characters, unassigned, line separators.
CODES = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


class Html(str):
    """Text that is markup already."""


def shown(value: object) -> Html:
    """A value for people: markup as it is, numbers with separators, all else escaped and by itself, so that
    right-to-left text does not turn its neighbours.
    """
    if isinstance(value, Html):
        return value
    if isinstance(value, int):
        return Html(f"{value:,}")
    text = str(value)
    rest = f" <small>... {len(text):,} characters</small>" if len(text) > MAX_CHARACTERS else ""
    return Html(sentence(text[:MAX_CHARACTERS]) + rest)


def sentence(text: str) -> Html:
    """The same of a text as a whole, however long."""
    return Html(f"<bdi>{''.join(map(glyph, text))}</bdi>")


def glyph(character: str) -> str:
    """A character, or its code point where one would see nothing."""
    if unicodedata.category(character) in CODES:
        return f'<b class="code">{code_point(character)}</b>'
    return escape(character)


def standing_alone(character: str) -> Html:
    """A character by itself: marks over a dotted circle, blanks as a sign for one."""
    if unicodedata.category(character) == "Zs":
        return Html("␣" if character == " " else f'<b class="code">{code_point(character)}</b>')
    circle = "◌" if unicodedata.category(character).startswith("M") else ""
    return Html(f"<bdi>{circle}{glyph(character)}</bdi>")


def code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], numeric: Iterable[int] = ()) -> Html:
    """``numeric`` columns stand to the right."""
    right = set(numeric)

    def line(cells: Sequence[object], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=number' if place in right else ''}>{shown(cell)}</{tag}>"
            for place, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    head = f"<thead><tr>{line(headers, 'th')}</tr></thead>"
    return Html(f"<div class=scroll><table>{head}<tbody>{body}</tbody></table></div>")


def pill(split: str) -> str:
    return f'<span class="pill {escape(split)}">{escape(split)}</span>'


def section(name: str, title: str, lead: str, *parts: str) -> Html:
    head = f"<h2>{escape(title)}</h2><p class=lead>{escape(lead)}</p>"
    return Html(f'<section id="{escape(name)}">{head}{"".join(parts)}</section>')
