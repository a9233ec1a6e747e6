"""Pages from templates: the ``.html`` files beside this one.

Each page has a template, which fills ``base.html`` with ``pieces.html``. Python hands over plain values; all
markup is in the templates.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stages.pages.markup import code_point, sentence, shown, standing_alone, visible

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent


def render(template: str, /, **values: object) -> str:
    """The page. A value that the template asks for and does not get is an error."""
    return environment().get_template(template).render(values)


@cache
def environment() -> "Environment":
    """Of all templates. A value is text, never markup, and what is invisible in it is shown."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only where a page is made

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
    """With separators; a dash for none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def percent(share: float, digits: int = 0) -> str:
    return f"{share:.{digits}%}"
