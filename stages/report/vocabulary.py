"""The report's section on characters: all in use, those that are rare, and those that training never sees."""

import unicodedata
from html import escape

from stages.pages.markup import Html, code_point, section, shown, standing_alone, table
from stages.report.texts import RARE_COUNT, Texts

MAX_GLYPHS = 240
MAX_ROWS = 40


def vocabulary(texts: Texts) -> Html:
    total, rare, unseen = texts.total(), texts.rare(), texts.unseen()
    ordered = sorted(total, key=lambda character: (-total[character], character))
    # What needs a look is shown however many others there are.
    first = sorted(
        {*ordered[:MAX_GLYPHS], *list(rare)[:MAX_ROWS], *list(unseen)[:MAX_ROWS]}, key=ordered.index
    )
    glyphs = "".join(
        f'<span{_class(character, rare, unseen)} title="{escape(_name(character))}">'
        f"<b>{standing_alone(character)}</b><small>{total[character]:,}</small></span>"
        for character in first
    )
    more = f"<p class=note>and {len(total) - len(first):,} more</p>" if len(total) > len(first) else ""
    lead = (
        f"{len(total):,} characters in Unicode's NFC, before the tokens' own normalising. Yellow ones are"
        f" less than {RARE_COUNT} times in train, red ones never."
    )
    return section(
        "characters", "Characters", lead, f"<div class=glyphs>{glyphs}</div>{more}",
        _list("Never in train", unseen, texts), _list("Rare in train", rare, texts),
    )  # fmt: skip


def _class(character: str, rare: dict[str, int], unseen: dict[str, int]) -> str:
    return " class=unseen" if character in unseen else " class=rare" if character in rare else ""


def _list(title: str, found: dict[str, int], texts: Texts) -> str:
    if not found:
        return ""
    rows = [
        (
            standing_alone(character),
            Html(f'<span class="code">{code_point(character)}</span> {escape(_name(character))}'),
            found[character],
            texts.admissions.id(texts.first[character]),
            shown(texts.admissions.text(texts.first[character])),
        )
        for character in list(found)[:MAX_ROWS]
    ]
    some = f", the first {MAX_ROWS}" if len(found) > MAX_ROWS else ""
    heading = f"<h3>{escape(title)} <span class=count>{len(found):,}{some}</span></h3>"
    return heading + table(["Character", "Code point", "Times", "First in", "Transcript"], rows, (2,))


def _name(character: str) -> str:
    return unicodedata.name(character, "unnamed").capitalize()
