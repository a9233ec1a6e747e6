"""Pages from templates: text from data stays text, and a missing value is an error."""

import re
import unicodedata
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pytest
from manifest_project import Run, one_in_each_split, recorded

from flows import champions_page
from flows.champion import Champion
from flows.record import Record
from flows.succession import Reign, Succession
from stages.commands.preview_page import Shown, Version, write_page
from stages.pages.rendering import environment, number, percent

HOSTILE = """<script>alert(1)</script> "x" onload='y' \u202e\x1b[2J {{ 7 * 7 }}"""
SEEN = """<script>alert(1)</script> "x" onload='y' U+202EU+001B[2J {{ 7 * 7 }}"""


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def check(source: str, times: int) -> None:
    """The page has the hostile text this many times as text, and nothing of it as markup."""
    page = Page(source)
    assert page.text.count(SEEN) == times
    assert "script" not in {tag for tag, _ in page.elements}
    assert not {name for _, attributes in page.elements for name in attributes if name.startswith("on")}
    invisible = {character for character in source if unicodedata.category(character) in ("Cc", "Cf")}
    assert invisible == {"\n"}
    (policy,) = (found["content"] for _, found in page.elements if "http-equiv" in found)
    assert str(policy).startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_hostile_text_stays_text_in_the_corpus_report(run: Run) -> None:
    odd = [recorded(f"{n}.wav", HOSTILE, seconds=3.0, split="train", speaker=HOSTILE) for n in range(2)]
    gone = {"id": HOSTILE, "audio_filepath": "none.wav", "text": "GO", "split": "train"}
    run([*one_in_each_split(), *odd, gone])
    source = Path("data/manifest/report.html").read_text(encoding="utf-8")
    assert source.count("{train,validation,test}.json") == 1
    check(source, times=len(re.findall("&lt;script", source)))
    assert SEEN in Page(source).text


def test_hostile_text_stays_text_in_the_preview_of_augmentation(tmp_path: Path) -> None:
    samples = np.zeros(1600, np.float32)
    versions = [Version(HOSTILE, HOSTILE, samples, None) for _ in range(2)]
    page = write_page([Shown(HOSTILE, HOSTILE, 16000, versions)], tmp_path)
    source = page.read_text(encoding="utf-8")
    check(source, times=5)  # utterance, text, two titles, and the description of the second version
    pictures = [found["alt"] for tag, found in Page(source).elements if tag == "img"]
    assert pictures == [SEEN] * 2


def test_hostile_text_stays_text_on_the_page_of_champions() -> None:
    when = datetime(2026, 3, 4)
    champion = Champion(
        tag="champion/0001", commit="c0ffee", when=when, message=HOSTILE, model="champion/0001"
    )
    reign = Reign(champion, {HOSTILE: 0.5}, None, [HOSTILE, "lr"], None, False)
    refused = Record(started="2026-03-04T05:06:07", name="Refused", reasons=[HOSTILE])
    source = champions_page.html(Succession(HOSTILE, [reign], [refused]), "data:,")
    check(source, times=5)  # two headings of the metric, a change and the reasons of both
    (picture,) = (found for tag, found in Page(source).elements if tag == "img")
    assert picture == {"alt": f"{SEEN} of each champion", "src": "data:,"}


@pytest.mark.parametrize("template", ["{{ gone }}", "{{ there.gone }}", "{% if gone %}{% endif %}"])
def test_an_unknown_variable_in_a_template_fails(template: str) -> None:
    there: dict[str, Any] = {}
    with pytest.raises(jinja2.UndefinedError, match="gone"):
        environment().from_string(template).render(there=there)


def test_numbers_have_separators_and_what_is_none_is_a_dash() -> None:
    assert (number(1234567), number(1234.567, 1), number(None)) == ("1,234,567", "1,234.6", "-")
    assert (percent(0.256), percent(0.256, 1)) == ("26%", "25.6%")
