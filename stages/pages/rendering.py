"""Render pages from the ``.html`` templates in this folder.

The template of a page fills ``base.html`` with ``pieces.html``. Python passes plain values; all markup is in
the templates.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stages.pages.markup import code_point, sentence, shown, standing_alone, visible

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent


def render(template: str, /, **values: object) -> str:
    """Render a page. A value that the template uses and does not get is an error."""
    return environment().get_template(template).render(values)


@cache
def environment() -> "Environment":
    """The environment of all templates. A value is text, never markup; invisible characters are shown."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow to import

    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update({
        "shown": shown,
        "sentence": sentence,
        "standing_alone": standing_alone,
        "code_point": code_point,
        "number": number,
        "percent": percent,
    })  # fmt: skip
    return made


def number(value: float | None, digits: int = 0) -> str:
    """Format with separators; a dash for None."""
    return "-" if value is None else f"{value:,.{digits}f}"


def percent(share: float, digits: int = 0) -> str:
    return f"{share:.{digits}%}"
