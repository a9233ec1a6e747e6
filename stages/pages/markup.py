"""Values from data for pages: they are never markup, and their invisible characters are shown."""

import unicodedata
from typing import Any

from markupsafe import Markup, escape

MAX_CHARACTERS = 200
# Controls, formats (such as writing direction), surrogates, unassigned, private use, line separators.
CODES = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


def shown(value: object) -> Markup:
    """Format a value: markup is unchanged, numbers get separators, text is escaped and isolated, so that
    right-to-left text does not affect the text around it.
    """
    if isinstance(value, Markup):
        return value
    if isinstance(value, int):
        return Markup(f"{value:,}")
    text = str(value)
    rest = f" <small>... {len(text):,} characters</small>" if len(text) > MAX_CHARACTERS else ""
    return sentence(text[:MAX_CHARACTERS]) + Markup(rest)


def sentence(text: str) -> Markup:
    """Format a text without a limit of length."""
    return Markup(f"<bdi>{''.join(map(_glyph, text))}</bdi>")


def standing_alone(character: str) -> Markup:
    """Format a single character: marks with a dotted circle, spaces as a symbol."""
    if unicodedata.category(character) == "Zs":
        return Markup("␣" if character == " " else _code(character))
    circle = "◌" if unicodedata.category(character).startswith("M") else ""
    return Markup(f"<bdi>{circle}{_glyph(character)}</bdi>")


def visible(value: Any) -> Any:
    """Replace invisible characters by their code points in any other text, such as attributes."""
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
