"""Values that come out of data, for pages: nothing of them is ever markup, and what is invisible is shown."""

import unicodedata
from typing import Any

from markupsafe import Markup, escape

MAX_CHARACTERS = 200
# Controls, formats (which turn the direction of writing), halves of characters, unassigned, line separators.
CODES = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


def shown(value: object) -> Markup:
    """A value for people: markup as it is, numbers with separators, all else escaped and by itself, so that
    right-to-left text does not turn its neighbours.
    """
    if isinstance(value, Markup):
        return value
    if isinstance(value, int):
        return Markup(f"{value:,}")
    text = str(value)
    rest = f" <small>... {len(text):,} characters</small>" if len(text) > MAX_CHARACTERS else ""
    return sentence(text[:MAX_CHARACTERS]) + Markup(rest)


def sentence(text: str) -> Markup:
    """The same of a text as a whole, however long."""
    return Markup(f"<bdi>{''.join(map(_glyph, text))}</bdi>")


def standing_alone(character: str) -> Markup:
    """A character by itself: marks over a dotted circle, blanks as a sign for one."""
    if unicodedata.category(character) == "Zs":
        return Markup("␣" if character == " " else _code(character))
    circle = "◌" if unicodedata.category(character).startswith("M") else ""
    return Markup(f"<bdi>{circle}{_glyph(character)}</bdi>")


def visible(value: Any) -> Any:
    """Any other text, as in an attribute: the code points of what one would not see, as text too."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(code_point(character) if _is_invisible(character) else character for character in value)


def code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _glyph(character: str) -> str:
    return _code(character) if _is_invisible(character) else escape(character)


def _code(character: str) -> str:
    return f'<b class="code">{code_point(character)}</b>'


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in CODES
